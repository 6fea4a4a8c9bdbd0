import { type ClusterInput, formatProblem, isRequestProblem, loadInput, traceProbe } from "../../src/index.ts";
import type { InputOptions } from "../../src/scenario/input.ts";
import type { ProbeOptions } from "../../src/scenario/probe.ts";
import type { FieldChange, Flow, Hop, PacketTrace, Step, Trace } from "../../src/trace/records.ts";

/** The cluster of a text; throws with its problems. */
export function inputOf(text: string, options: InputOptions = {}): ClusterInput {
  const input = loadInput([{ name: "test.yaml", text }], options);
  if ("problems" in input) throw new Error(input.problems.map(formatProblem).join("\n"));
  return input;
}

/** One probe; throws when there is no such probe or sender. */
export function probe(input: ClusterInput, from: string, run: string, options: Partial<ProbeOptions> = {}): Trace {
  const trace = traceProbe(input, { from, run, ...options });
  if (isRequestProblem(trace)) throw new Error(`${trace.code}: ${trace.message}`);
  return trace;
}

export function stepsOfPacket(packet: PacketTrace): readonly Step[] {
  return packet.hops.flatMap((hop) => hop.steps);
}

export function packetSteps(trace: Trace): readonly Step[] {
  return trace.flows.flatMap((flow) => flow.packets.flatMap(stepsOfPacket));
}

/** The steps of one kind. */
export function ofKind<K extends Step["kind"]>(steps: readonly Step[], kind: K): readonly Extract<Step, { kind: K }>[] {
  return steps.filter((step): step is Extract<Step, { kind: K }> => step.kind === kind);
}

export function flowsOf(trace: Trace, protocol: string): readonly Flow[] {
  return trace.flows.filter((flow) => flow.protocol === protocol);
}

/** The namespaces that a packet passed. */
export function wayOf({ hops }: PacketTrace): readonly string[] {
  return hops.map(({ namespace }) => namespace);
}

export function hopIn({ hops }: PacketTrace, namespace: string): Hop {
  const hop = hops.find((one) => one.namespace === namespace);
  if (hop === undefined) throw new Error(`the packet did not pass ${namespace}`);
  return hop;
}

/** `TABLE CHAIN TARGET` of the rules that matched, in order. */
export function rulesMatched(steps: readonly Step[]): readonly string[] {
  return ofKind(steps, "rule")
    .filter(({ matched }) => matched)
    .map(({ table, chain, target = "" }) => `${table} ${chain} ${target.split(" ")[0]}`);
}

/** What became of one field on the way: `64 -> 63`. */
export function changesOf(steps: readonly Step[], field: FieldChange["field"]): readonly string[] {
  return steps.flatMap(({ changes = [] }) =>
    changes.filter((change) => change.field === field).map(({ from, to }) => `${String(from)} -> ${String(to)}`),
  );
}
