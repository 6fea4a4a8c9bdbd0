import type { Choice, Step } from "../trace/records.ts";
import type { Course, Moment } from "./moments.ts";
import type { Grain } from "./navigate.ts";
import { oddsText } from "./odds.ts";
import type { Scene } from "./scene.ts";

/** What a lane of the timeline stands for: a place, or a part of the network's work. */
export type LaneKind = "places" | "layers";

/** What the timeline draws: at the coarse grain the story alone. */
export interface Band {
  readonly moments: readonly Moment[];
  /** From top to bottom; only those that something happens in. */
  readonly lanes: readonly string[];
  /** The lane of each moment, by rank. */
  readonly laneOf: readonly number[];
  /** The rank of the moment in sight: the last one at or before `cursor`. */
  rankOf(cursor: number): number;
}

/** The layers from the application down to the wire. */
const layers = [
  "Resolver",
  "TCP, sockets",
  "Services, NAT",
  "Policy, filter",
  "Connections",
  "Routing",
  "Links",
] as const;

type Layer = (typeof layers)[number];

export function bandOf(course: Course, scene: Scene, grain: Grain, kind: LaneKind): Band {
  const moments = course.moments.filter(({ stop }) => grain === "step" || course.stops[stop]?.aside === false);
  const nameOf = ({ step }: Moment): string => (kind === "places" ? step.namespace : layerOf(step));
  const used = new Set(moments.map(nameOf));
  const lanes = (kind === "places" ? placesOf(scene) : layers).filter((name) => used.has(name));
  const numbers = new Map(lanes.map((name, index) => [name, index]));
  const laneOf = moments.map((moment) => numbers.get(nameOf(moment)) ?? 0);
  const rankOf = (cursor: number): number =>
    Math.max(
      0,
      moments.findLastIndex(({ index }) => index <= cursor),
    );
  return { moments, lanes, laneOf, rankOf };
}

/** Node by node, pods first, as they stand on the stage. */
function placesOf({ nodes, fabric }: Scene): readonly string[] {
  const own = nodes.flatMap(({ host, pods }) => [...pods.map(({ name }) => name), host.name]);
  return [...own, ...fabric.map(({ name }) => name)];
}

export function layerOf(step: Step): Layer {
  switch (step.kind) {
    case "resolver":
      return "Resolver";
    case "socket":
    case "timer":
    case "proxy":
    case "bpf":
      return "TCP, sockets";
    case "nat":
    case "ipvs":
      return "Services, NAT";
    case "rule":
    case "chain":
    case "map":
      return step.table === "nat" || step.table === "kube-proxy" ? "Services, NAT" : "Policy, filter";
    case "hook":
    case "ipset":
    case "drop":
      return "Policy, filter";
    case "conntrack":
      return "Connections";
    case "route":
    case "neighbour":
    case "icmp":
      return "Routing";
    case "device":
    case "bridge":
    case "tunnel":
      return "Links";
  }
}

/** The odds of what was taken, where chance decided: `1/3`, `2/3`, `12 %`; else the schedule: `rr`. */
export function choiceOdds({ options, taken, by }: Choice): string {
  const share = options[taken]?.probability;
  return share === undefined ? by : oddsText(share);
}

/** A piece of the timeline, in ranks. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** Fewer steps than these are never stretched over the whole width. */
const smallest = 8;

/** The range that `wanted` comes to between the ends 0 and `last`: moved where it sticks out, cut where it is too long. */
export function fittedRange({ from, to }: Range, last: number): Range {
  const end = Math.max(1, last);
  const length = Math.min(end, Math.max(smallest, to - from));
  const start = Math.min(Math.max(0, (from + to - length) / 2), end - length);
  return { from: start, to: start + length };
}

/** Closer (factor above 1) or further, around a rank that keeps its place. */
export function zoomedRange({ from, to }: Range, factor: number, around: number, last: number): Range {
  const share = to === from ? 0.5 : (around - from) / (to - from);
  const length = Math.max(smallest, (to - from) / factor);
  return fittedRange({ from: around - share * length, to: around + (1 - share) * length }, last);
}

/** Moved just so far that `rank` is inside, with some of what comes next. */
export function rangeAround({ from, to }: Range, rank: number, last: number): Range {
  const length = to - from;
  const margin = length / 12;
  if (rank >= from + margin && rank <= to - margin) return fittedRange({ from, to }, last);
  const start = rank < from + margin ? rank - margin * 2 : rank - length + margin * 4;
  return fittedRange({ from: start, to: start + length }, last);
}
