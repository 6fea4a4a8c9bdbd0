import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import { packetAt } from "../../src/trace/recorder.ts";
import type { Step, Trace } from "../../src/trace/records.ts";

const root = resolve(import.meta.dirname, "../..");
const folder = join(import.meta.dirname, "fixtures");
const fixtures = new Map<string, string>(
  readdirSync(folder)
    .filter((file) => file.endsWith(".json"))
    .map((file) => [file.replace(".json", ""), readFileSync(join(folder, file), "utf8")]),
);
const validate: ValidateFunction = new Ajv2020({ strict: true, allErrors: true, allowUnionTypes: true }).compile(
  JSON.parse(readFileSync(join(root, "schema/trace.json"), "utf8")) as object,
);

test("the fixtures hold every situation the format was made for", () => {
  expect([...fixtures.keys()]).toEqual([
    "curl-across-nodes",
    "flooded-frame",
    "icmp-error",
    "ipvs-reinjection",
    "nftables-map",
    "proxied-connection",
    "retransmission",
    "socket-load-balancing",
    "vxlan",
  ]);
});

test.for([...fixtures])("%s is valid by the JSON Schema", ([, text]) => {
  validate(JSON.parse(text));
  expect(validate.errors ?? []).toEqual([]);
});

test("the fixtures are Traces to the TypeScript compiler", () => {
  const scratch = join(root, "node_modules/.cache/trace-fixtures");
  mkdirSync(scratch, { recursive: true });
  const literals = [...fixtures.values()].map((text) => `(${text}) satisfies Trace;`);
  const source = `import type { Trace } from "../../../src/trace/records.ts";\n${literals.join("\n")}\n`;
  writeFileSync(join(scratch, "fixtures.ts"), source);
  const config = {
    extends: "../../../tsconfig.base.json",
    compilerOptions: {
      noEmit: true,
      allowImportingTsExtensions: true,
      isolatedDeclarations: false,
      declaration: false,
    },
    files: ["fixtures.ts"],
  };
  writeFileSync(join(scratch, "tsconfig.json"), JSON.stringify(config));
  execFileSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", scratch], { encoding: "utf8" });
});

test.for([...fixtures])("%s counts its steps in the order of happening", ([, text]) => {
  const steps = stepsOf(JSON.parse(text) as Trace).toSorted((a, b) => a.id - b.id);
  expect(steps.length).toBeGreaterThan(0);
  expect(steps.map((step) => step.id)).toEqual(steps.map((_, index) => index + 1));
  const times = steps.map((step) => step.timeNanos);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
});

test.for([...fixtures])("%s names no cause that is not there", ([, text]) => {
  const trace = JSON.parse(text) as Trace;
  const flows = new Set(trace.flows.map((flow) => flow.id));
  const packets = new Set(trace.flows.flatMap((flow) => flow.packets.map((packet) => packet.id)));
  const steps = new Set(stepsOf(trace).map((step) => step.id));
  const causes = trace.flows.flatMap((flow) => [flow.causedBy, ...flow.packets.map((packet) => packet.causedBy)]);
  for (const cause of causes) {
    if (cause?.flow !== undefined) expect(flows).toContain(cause.flow);
    if (cause?.packet !== undefined) expect(packets).toContain(cause.packet);
    if (cause?.step !== undefined) expect(steps).toContain(cause.step);
  }
});

test.for([...fixtures])("%s says what each changed field held before", ([, text]) => {
  for (const flow of (JSON.parse(text) as Trace).flows) {
    for (const hop of flow.packets.flatMap((packet) => packet.hops)) {
      for (const [index, step] of hop.steps.entries()) {
        const before = packetAt(hop, index);
        for (const change of step.changes ?? []) expect(before[change.field], step.text).toEqual(change.from);
      }
    }
  }
});

test("the schema refuses what the format does not know", () => {
  const trace = JSON.parse(fixtures.get("vxlan") ?? "") as { flows: [{ packets: [{ hops: [{ steps: object[] }] }] }] };
  const step = trace.flows[0].packets[0].hops[0].steps[0];
  expect(step).toBeDefined();
  for (const wrong of [{ colour: "red" }, { kind: "teleport" }, { id: 0 }, { timeNanos: "1 ms" }]) {
    trace.flows[0].packets[0].hops[0].steps[0] = { ...step, ...wrong };
    expect(validate(trace), JSON.stringify(wrong)).toBe(false);
  }
});

function stepsOf(trace: Trace): Step[] {
  return trace.flows.flatMap((flow) => [
    ...flow.steps,
    ...flow.packets.flatMap((packet) => packet.hops.flatMap((hop) => hop.steps)),
  ]);
}
