import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { type InputOptions, RouteTester, formatProblem, loadInput } from "../index.ts";

/** Reads manifests from files and folders (all below) for tests of routes. Throws with every problem of the input. */
export async function load(paths: string | readonly string[], options: InputOptions = {}): Promise<RouteTester> {
  const files = [paths].flat().flatMap(filesOf);
  const input = loadInput(
    files.map((name) => ({ name, text: readFileSync(name, "utf8") })),
    options,
  );
  if ("problems" in input) throw new Error(input.problems.map(formatProblem).join("\n"));
  return new RouteTester(input);
}

function filesOf(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(ya?ml|json)$/.test(name))
    .sort()
    .map((name) => join(path, name));
}
