import { isNeighbourTalk, mainFlow } from "../trace/main-flow.ts";
import type { Hop, PacketTrace, Step, Trace } from "../trace/records.ts";

/** Every place that the probe's outgoing packets visited, in order: namespaces, nodes, devices, tables, chains, sets. */
export function placesOf(trace: Trace): readonly string[] {
  const flow = mainFlow(trace);
  const packets = flow?.packets.filter((packet) => packet.direction === "original") ?? [];
  return packets.flatMap(placesOfPacket);
}

export function placesOfPacket(packet: PacketTrace): readonly string[] {
  return packet.hops.flatMap((hop) => [
    ...[hop.node, hop.namespace, hop.device].filter((name) => name !== undefined),
    ...hop.steps.flatMap((step) => placesOfStep(step)),
  ]);
}

function placesOfStep(step: Step): readonly string[] {
  const known = (names: readonly (string | undefined)[]): string[] => names.filter((name) => name !== undefined);
  switch (step.kind) {
    case "rule":
      return known([
        step.inDevice,
        step.table,
        step.matched ? step.chain : undefined,
        step.matched ? step.target : undefined,
        step.outDevice,
      ]);
    case "chain":
      return [step.table, step.chain];
    case "hook":
      return known([step.inDevice, step.hook, step.outDevice]);
    case "device":
      return [step.device];
    case "bridge":
      return known([step.inPort, step.bridge, ...(step.outPorts ?? [])]);
    case "ipset":
      return step.found ? [step.set] : [];
    case "map":
      return step.found ? [step.table, step.chain, step.map] : [];
    case "route":
      return known([step.device]);
    case "neighbour":
      return [step.device];
    case "tunnel":
      return [step.tunnel];
    case "ipvs":
      return known([step.service, step.server]);
    case "proxy":
      return [step.proxy];
    case "bpf":
      return [step.program];
    case "socket":
    case "resolver":
    case "conntrack":
    case "nat":
    case "icmp":
    case "timer":
    case "drop":
      return [];
  }
}

/** The steps of the probe's own conversation with the hop they happened in, in order. */
export function stepsOf(
  trace: Trace,
): readonly { readonly hop: Hop; readonly packet: PacketTrace; readonly step: Step }[] {
  return (mainFlow(trace)?.packets ?? []).flatMap((packet) =>
    packet.hops.flatMap((hop) => hop.steps.map((step) => ({ hop, packet, step }))),
  );
}

/** Every packet's steps of all flows but neighbour discovery, name resolution included, in the order of happening. */
export function allSteps(trace: Trace): readonly Step[] {
  return trace.flows
    .filter((flow) => !isNeighbourTalk(flow))
    .flatMap((flow) => flow.packets.flatMap((packet) => packet.hops.flatMap((hop) => hop.steps)))
    .sort((a, b) => a.id - b.id);
}
