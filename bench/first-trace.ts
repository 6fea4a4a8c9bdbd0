import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { formatProblem, isRequestProblem, loadInput, traceProbe } from "../src/index.ts";

/*
 * From the text of manifests to a first trace, everything cold: no code has run before.
 * `node --import tsx bench/first-trace.ts FOLDER WHO PROBE`. Prints one JSON object.
 */
const [folder = ".", from = "", run = ""] = process.argv.slice(2);
const files = readdirSync(folder).filter((name) => name.endsWith(".yaml"));
const sources = files.map((name) => ({ name, text: readFileSync(join(folder, name), "utf8") }));

const start = performance.now();
const input = loadInput(sources);
if ("problems" in input) throw new Error(input.problems.map(formatProblem).join("\n"));
const loadMillis = performance.now() - start;
const trace = traceProbe(input, { from, run });
if (isRequestProblem(trace)) throw new Error(trace.message);
const traceMillis = performance.now() - start - loadMillis;
console.log(JSON.stringify({ bench: "first-trace", outcome: trace.outcome, loadMillis, traceMillis }));
