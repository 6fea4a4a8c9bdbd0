import type { Flow, Hop, PacketTrace, Step, Trace } from "../trace/records.ts";
import { conntrackId, elementId, fdbId, loopback, mainFlows, processId, stackId } from "./scene.ts";

/** What a moment means: by shape, word and colour everywhere. */
export type Tone = "forwarded" | "rewritten" | "encapsulated" | "delivered" | "dropped" | "rejected" | "unknown";

/** One step at its place. Moments are in the order of happening. */
export interface Moment {
  readonly index: number;
  readonly step: Step;
  readonly flow: Flow;
  /** Absent for steps outside any packet: socket calls, the resolver, timers. */
  readonly packet?: PacketTrace;
  readonly hop?: Hop;
  /** Place of the step in its hop. */
  readonly stepIndex: number;
  /** The element where it happens. */
  readonly place: string;
  /** The state that the step looks into or changes: an element. */
  readonly touches?: string;
  /** For a packet that leaves by a cable: the element at the other end. */
  readonly towards?: string;
  readonly tone: Tone;
  /** The stop it belongs to: an index of `stops`. */
  readonly stop: number;
}

/** A run of moments in one place of one packet: the coarse grain. `first` and `last` are moment indices. */
export interface Stop {
  readonly first: number;
  readonly last: number;
  /** Neighbour talk: the coarse grain leaves it out. */
  readonly aside: boolean;
}

export interface Course {
  readonly moments: readonly Moment[];
  readonly stops: readonly Stop[];
  /** The moments of each packet, by its id. */
  readonly byPacket: ReadonlyMap<number, readonly Moment[]>;
}

type Draft = Omit<Moment, "index" | "stop">;

/** Orders all steps of a trace in time and groups them into stops. */
export function buildCourse(trace: Trace): Course {
  const drafts = trace.flows.flatMap(draftsOf).toSorted((a, b) => a.step.id - b.step.id);
  const moments: Moment[] = [];
  const stops: { first: number; last: number; aside: boolean }[] = [];
  const byPacket = new Map<number, Moment[]>();
  const main = new Set(mainFlows(trace));
  for (const [index, draft] of drafts.entries()) {
    const before = moments[index - 1];
    const same =
      before !== undefined && before.hop === draft.hop && (draft.hop !== undefined || before.flow === draft.flow);
    if (!same) stops.push({ first: index, last: index, aside: !main.has(draft.flow) });
    (stops.at(-1) as { last: number }).last = index;
    const moment = { ...draft, index, stop: stops.length - 1 };
    moments.push(moment);
    if (draft.packet === undefined) continue;
    const siblings = byPacket.get(draft.packet.id);
    if (siblings) siblings.push(moment);
    else byPacket.set(draft.packet.id, [moment]);
  }
  return { moments, stops, byPacket };
}

function draftsOf(flow: Flow): Draft[] {
  const outside = flow.steps.map((step): Draft => ({
    step,
    flow,
    stepIndex: 0,
    place: placeOf(step),
    tone: toneOf(step),
  }));
  const inside = flow.packets.flatMap((packet) =>
    packet.hops.flatMap((hop, hopIndex) =>
      hop.steps.map((step, stepIndex): Draft => {
        const ends = hopIndex === packet.hops.length - 1 && stepIndex === hop.steps.length - 1;
        const towards = step.kind === "device" && step.action === "transmit" ? peerId(step.peer) : undefined;
        const touches = stateOf(step);
        const tone = ends || step.kind === "drop" ? endTone(packet, step) : toneOf(step);
        return {
          step,
          flow,
          packet,
          hop,
          stepIndex,
          place: placeOf(step),
          ...(touches !== undefined && { touches }),
          ...(towards !== undefined && { towards }),
          tone,
        };
      }),
    ),
  );
  return [...outside, ...inside];
}

/** A packet that goes on as another one (in a tunnel, as flooded copies) has not been delivered where it ends. */
function endTone(packet: PacketTrace, step: Step): Tone {
  const goesOn =
    step.kind === "tunnel" || (step.kind === "bridge" && step.action === "flood") || step.kind === "device";
  return packet.verdict === "delivered" && goesOn ? toneOf(step) : packet.verdict;
}

function peerId(peer: string | undefined): string | undefined {
  const slash = peer?.lastIndexOf("/") ?? -1;
  return peer === undefined || slash < 1 ? undefined : elementId(peer.slice(0, slash), peer.slice(slash + 1));
}

function stateOf(step: Step): string | undefined {
  if (step.kind === "conntrack") return conntrackId(step.namespace);
  return step.kind === "bridge" ? fdbId(step.namespace, step.bridge) : undefined;
}

function placeOf(step: Step): string {
  switch (step.kind) {
    case "socket":
    case "resolver":
    case "timer":
    case "bpf":
    case "proxy":
      return processId(step.namespace);
    case "device":
    case "neighbour":
      return step.device === loopback ? stackId(step.namespace) : elementId(step.namespace, step.device);
    case "bridge":
      return elementId(step.namespace, step.bridge);
    case "tunnel":
      return elementId(step.namespace, step.tunnel);
    case "route":
    case "hook":
    case "rule":
    case "chain":
    case "map":
    case "conntrack":
    case "nat":
    case "ipset":
    case "ipvs":
    case "icmp":
    case "drop":
      return stackId(step.namespace);
  }
}

const addressFields: ReadonlySet<string> = new Set(["src", "dst", "srcPort", "dstPort", "mark"]);

/** What a step does to the packet. */
export function toneOf(step: Step): Tone {
  if (step.kind === "drop") return "dropped";
  if (step.kind === "socket" && (step.action === "refuse" || step.action === "error")) return "rejected";
  if (step.kind === "tunnel") return "encapsulated";
  if (step.kind === "bpf" && step.to !== undefined) return "rewritten";
  return step.changes?.some(({ field }) => addressFields.has(field)) === true ? "rewritten" : "forwarded";
}
