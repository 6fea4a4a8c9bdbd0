import type { Flow, Hop, PacketTrace, Step, Trace } from "./records.ts";

/** A probe's own conversation: the last flow that is neither name resolution nor neighbour discovery. */
export function mainFlow(trace: Trace): Flow | undefined {
  return trace.flows.findLast((flow) => !isNeighbourTalk(flow) && flow.protocol !== "resolver" && !isQuery(flow));
}

/** Who has this address? ARP, and neighbour discovery in IPv6. */
export function isNeighbourTalk({ protocol }: Flow): boolean {
  return protocol === "arp" || protocol === "ndp";
}

/** A DNS query of the resolver: only `dig` has one as its own conversation, and then there is no other. */
function isQuery(flow: Flow): boolean {
  return flow.causedBy !== undefined && flow.causedBy.packet === undefined;
}

/** The conversation that tells the probe's story: its own, or the last question where it never got that far. */
export function tellingFlow(trace: Trace): Flow | undefined {
  return mainFlow(trace) ?? trace.flows.findLast((flow) => !isNeighbourTalk(flow) && flow.packets.length > 0);
}

/** Two or three lines that tell the way of the first packet: the namespaces, what was rewritten, where it ended. */
export function summaryLines(trace: Trace): readonly string[] {
  const packet = tellingFlow(trace)?.packets[0];
  if (packet === undefined) return [];
  const names = packet.hops.map((hop) => hop.namespace);
  const way = names.filter((name, index) => name !== names[index - 1]).join(" → ");
  const rewrites = packet.hops.flatMap((hop) => hop.steps.flatMap((step) => rewriteLine(hop, step)));
  const end = endLine(packet);
  return [`way there: ${way}`, ...rewrites, ...(end === undefined ? [] : [end])];
}

function rewriteLine(hop: Hop, step: Step): readonly string[] {
  if (step.kind !== "nat" || step.action !== "bind" || step.from === undefined || step.from === step.to) return [];
  return [
    `rewritten on ${hop.namespace}: ${step.manip === "dst" ? "destination" : "source"} ${step.from} → ${step.to}`,
  ];
}

/** The step that ended a packet which was not delivered. */
function endLine(packet: PacketTrace): string | undefined {
  if (packet.verdict === "delivered") return undefined;
  const steps = packet.hops.flatMap((hop) => hop.steps.map((step) => ({ hop, step })));
  const end =
    steps.findLast(({ step }) => step.kind === "rule" && step.matched && /^(DROP|REJECT)/.test(step.target ?? "")) ??
    steps.findLast(({ step }) => step.kind === "drop" || (step.kind === "socket" && step.action === "refuse")) ??
    steps.at(-1);
  if (end === undefined) return undefined;
  const origin = end.step.owner?.origin;
  return `ended on ${end.hop.namespace}: ${end.step.text}${origin === undefined ? "" : `  ${origin.file}:${origin.line}`}`;
}
