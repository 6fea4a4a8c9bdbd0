import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import {
  type StateChange,
  type Step,
  type Trace,
  nodeText,
  parseScenario,
  readScenarioInput,
  runScenarioText,
} from "../../src/index.ts";

/*
 * What a trace says its namespaces held before. The texts are held against those of `kubehop rules -o ip`, which are
 * held against the real iproute2 (test/root); the fold of one flow's changes against what the next flow finds.
 */

const scenarios = resolve(import.meta.dirname, "../../scenarios");
const noFile = (name: string): never => {
  throw new Error(`no file ${name}`);
};

function tracesOf(file: string, more = ""): readonly Trace[] {
  const text = readFileSync(join(scenarios, file), "utf8").replace(/^flows:\n/m, `flows:\n${more}`);
  const report = runScenarioText(file, text, noFile, { level: "rule" });
  if ("problems" in report) throw new Error(JSON.stringify(report.problems));
  return report.flows.map(({ trace }) => trace);
}

function entriesOf(trace: Trace | undefined, namespace: string, table: string): ReadonlyMap<string, string> {
  const state = trace?.before?.find((one) => one.namespace === namespace);
  const entries = state?.tables.find((one) => one.table === table)?.entries ?? [];
  return new Map(entries.map(({ key, text }) => [key, text]));
}

test("a node's routes and neighbours are those that `ip` prints of it", () => {
  const [trace] = tracesOf("curl-service.yaml");
  const text = readFileSync(join(scenarios, "curl-service.yaml"), "utf8");
  const parsed = parseScenario("curl-service.yaml", text);
  if ("problems" in parsed) throw new Error("not a scenario");
  const input = readScenarioInput({ name: "curl-service.yaml", text }, parsed, noFile);
  if ("problems" in input) throw new Error("no input");
  const printed = nodeText(input, "node-a", "ipv4")?.ip ?? "";
  const part = (command: string): string[] =>
    (printed.split(`# ${command}\n`)[1]?.split("# ", 1)[0] ?? "").split("\n").filter((line) => line !== "");
  const routes = [...entriesOf(trace, "node-a", "route").values()].filter((route) => !route.startsWith("fe80"));
  expect(routes.toSorted()).toEqual(part("ip -4 route").toSorted());
  expect(routes).toContain("10.244.1.0/24 via 172.18.0.3 dev eth0");
  expect(entriesOf(trace, "node-a", "neighbour").size).toBe(part("ip neigh").length);
});

test("who listens is known before the first packet, and no connection is", () => {
  const [trace] = tracesOf("curl-service.yaml");
  expect([...entriesOf(trace, "shop/web-0", "socket").keys()]).toEqual(["listen tcp *:8080"]);
  expect(trace?.before?.flatMap(({ tables }) => tables.filter(({ table }) => table === "conntrack"))).toEqual([]);
});

test("in IPVS mode the virtual servers of a node are listed with their real servers", () => {
  const [trace] = tracesOf("ipvs-service.yaml");
  const servers = entriesOf(trace, "node-a", "ipvs");
  expect([...servers.keys()].filter((key) => key.startsWith("TCP 10.110."))).toHaveLength(1);
  expect([...servers.values()].join("\n")).toMatch(/TCP 10\.96\.0\.10:9153 rr → /);
});

test("what one flow changed in conntrack and in the forwarding databases is what the next one finds", () => {
  const [first, second] = tracesOf("curl-service.yaml", "  - { from: shop/pod/client, run: curl http://web }\n");
  for (const namespace of ["node-a", "node-b"]) {
    for (const table of ["conntrack", "fdb"] as const) {
      const after = new Map(entriesOf(first, namespace, table));
      for (const change of changesIn(first, namespace, table)) {
        if (change.action === "delete") after.delete(change.key);
        else after.set(change.key, change.after ?? "");
      }
      expect(after.size).toBeGreaterThan(0);
      expect([...entriesOf(second, namespace, table)].toSorted()).toEqual([...after].toSorted());
    }
  }
});

test("an event that changes a node is followed by what the node holds then", () => {
  const text = readFileSync(join(scenarios, "missing-route.yaml"), "utf8")
    .replace("at: 0s, on", "at: 1500ms, on")
    .replace("10.244.1.9:", "10.244.1.99:")
    .replace(/expect: .*/, "");
  const report = runScenarioText("late.yaml", text, noFile, { level: "rule" });
  if ("problems" in report) throw new Error(JSON.stringify(report.problems));
  const states = report.flows[0]?.trace.before?.filter(({ namespace }) => namespace === "node-a") ?? [];
  const routes = states.map(({ tables }) =>
    tables.find(({ table }) => table === "route")?.entries.map((one) => one.key),
  );
  expect(routes.map((one) => one?.some((key) => key.startsWith("10.244.1.0/24")))).toEqual([true, false]);
  expect(states.map(({ beforeStep }) => beforeStep)).toEqual(
    states.map(({ beforeStep }) => beforeStep).toSorted((a, b) => a - b),
  );
});

test("below the level `rule` no state is recorded", () => {
  const text = readFileSync(join(scenarios, "curl-service.yaml"), "utf8");
  const report = runScenarioText("curl-service.yaml", text, noFile, { level: "step" });
  expect("problems" in report ? report : report.flows[0]?.trace.before).toBeUndefined();
});

function changesIn(trace: Trace | undefined, namespace: string, table: string): readonly StateChange[] {
  const steps = (trace?.flows ?? []).flatMap((flow): readonly Step[] => [
    ...flow.steps,
    ...flow.packets.flatMap((packet) => packet.hops.flatMap((hop) => hop.steps)),
  ]);
  return steps
    .toSorted((a, b) => a.id - b.id)
    .filter((step) => step.namespace === namespace)
    .flatMap((step) => step.stateChanges ?? [])
    .filter((change) => change.table === table);
}
