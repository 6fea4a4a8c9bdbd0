import { describe, expect, test } from "vitest";
import { Ajv2020 } from "ajv/dist/2020.js";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Choice, Trace } from "../../src/trace/records.ts";
import { read, root, run, scenarioFiles } from "../scenario/files.ts";
import { inputOf, packetSteps, probe } from "./traces.ts";

const isTrace = new Ajv2020({ strict: true, allErrors: true, allowUnionTypes: true }).compile(
  JSON.parse(readFileSync(join(root, "schema/trace.json"), "utf8")) as object,
);

const levels = ["hop", "step", "rule"] as const;
type RecordLevel = (typeof levels)[number];

describe.for(scenarioFiles)("%s", (file) => {
  const anew = (level: RecordLevel): readonly Trace[] => run(file, { level }).flows.map((flow) => flow.trace);
  const known = new Map<RecordLevel, readonly Trace[]>();
  const traces = (level: RecordLevel): readonly Trace[] => {
    const all = known.get(level) ?? anew(level);
    known.set(level, all);
    return all;
  };

  test("the same seed gives the same bytes", () => {
    expect(JSON.stringify(anew("rule"))).toBe(JSON.stringify(traces("rule")));
  });

  test("any seed meets the expectation", () => {
    for (const seed of [2, 3, 4]) expect(run(file, { seed }).flows.flatMap(({ failures }) => failures)).toEqual([]);
  });

  test.for(levels)("what is recorded at level %s is a trace by the schema", (level) => {
    for (const trace of traces(level)) {
      isTrace(JSON.parse(JSON.stringify(trace)));
      expect((isTrace.errors ?? []).slice(0, 3)).toEqual([]);
    }
  });

  test("the outcome does not depend on how much is recorded", () => {
    const told = (level: RecordLevel): readonly string[] =>
      traces(level).map(({ outcome, message, durationNanos }) => `${outcome} ${message} ${durationNanos}`);
    expect(told("hop")).toEqual(told("rule"));
    expect(told("step")).toEqual(told("rule"));
  });
});

const pods = ["web-0", "web-1", "web-2"].map(
  (name) => `---
apiVersion: v1
kind: Pod
metadata: { name: ${name}, namespace: shop, labels: { app: web } }
spec: { containers: [{ name: c, ports: [{ containerPort: 8080 }] }] }
`,
);
const input = inputOf(`${read("no-endpoints.yaml").text.split("---\n")[1]}${pods.join("")}---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec: { selector: { app: web }, ports: [{ port: 80, targetPort: 8080 }] }
`);
const call = (options: Parameters<typeof probe>[3]): Trace =>
  probe(input, "shop/pod/client", "curl http://web", options);

/** The choices among endpoints of the Service, in the order they were met. */
function choicesOf(trace: Trace): readonly Choice[] {
  const all = packetSteps(trace).flatMap(({ choice }) => choice ?? []);
  return all.filter(
    ({ id, options }) => options.some(({ probability }) => probability !== undefined) && id.includes("KUBE-SVC"),
  );
}

describe("three endpoints behind one Service", () => {
  test("seeds reach all of them", () => {
    const reached = new Set(Array.from({ length: 30 }, (_, seed) => call({ seed }).answeredBy));
    expect([...reached].sort()).toEqual(["shop/web-0", "shop/web-1", "shop/web-2"]);
  });

  // kube-proxy writes --probability 1/3, 1/2 and a last rule without one; names of the choices are in the trace.
  test("pinning the choices replays a branch, whatever the seed", () => {
    const seen = new Map<string, Trace>();
    for (let seed = 0; seed < 30; seed++) {
      const trace = call({ seed });
      seen.set(trace.answeredBy ?? "nobody", trace);
    }
    expect(seen.size).toBe(3);
    for (const [answeredBy, trace] of seen) {
      const pins = Object.fromEntries(choicesOf(trace).map(({ id, taken }) => [id, taken]));
      for (const seed of [101, 102, 103]) expect(call({ seed, pins }).answeredBy).toBe(answeredBy);
    }
  });

  test("a choice says its odds", () => {
    const odds = choicesOf(call({ seed: 1 })).flatMap(({ options }) =>
      options.map(({ probability = 0 }) => probability),
    );
    expect(odds.length).toBeGreaterThan(0);
    for (const probability of odds)
      expect([1 / 3, 2 / 3, 1 / 2].some((known) => Math.abs(known - probability) < 1e-6)).toBe(true);
  });
});
