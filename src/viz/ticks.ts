import type { Step } from "../trace/records.ts";
import type { Tone } from "./moments.ts";

/** The outlines of ticks, as elsewhere: hexagon endpoint, rectangle device, diamond decision, cylinder state. */
export type TickShape = "hexagon" | "rectangle" | "diamond" | "cylinder" | "bar";

export function tickShape(kind: Step["kind"]): TickShape {
  switch (kind) {
    case "socket":
    case "resolver":
    case "proxy":
    case "bpf":
      return "hexagon";
    case "device":
    case "bridge":
    case "tunnel":
      return "rectangle";
    case "rule":
    case "chain":
    case "map":
    case "route":
    case "nat":
    case "ipvs":
    case "drop":
      return "diamond";
    case "conntrack":
    case "ipset":
    case "neighbour":
      return "cylinder";
    case "hook":
    case "timer":
    case "icmp":
      return "bar";
  }
}

/** A tick of `shape` around a point, as SVG path data. */
export function tickPath(shape: TickShape, x: number, y: number, radius = 4): string {
  const r = radius;
  const at = (dx: number, dy: number): string => `${(x + dx).toFixed(1)},${(y + dy).toFixed(1)}`;
  switch (shape) {
    case "hexagon":
      return `M${at(-r, 0)}L${at(-r / 2, -r)}L${at(r / 2, -r)}L${at(r, 0)}L${at(r / 2, r)}L${at(-r / 2, r)}Z`;
    case "rectangle":
      return `M${at(-r, 0.8 - r)}L${at(r, 0.8 - r)}L${at(r, r - 0.8)}L${at(-r, r - 0.8)}Z`;
    case "diamond":
      return `M${at(0, -r - 0.5)}L${at(r + 0.5, 0)}L${at(0, r + 0.5)}L${at(-r - 0.5, 0)}Z`;
    case "cylinder":
      return `M${at(-r + 0.5, -r + 1)}A${r - 0.5},1.6,0,0,1,${at(r - 0.5, -r + 1)}V${(y + r - 1).toFixed(1)}A${r - 0.5},1.6,0,0,1,${at(-r + 0.5, r - 1)}Z`;
    case "bar":
      return `M${at(0, -r)}L${at(0, r)}`;
  }
}

/** What ends a packet is a sign rather than a shape: a tick, a cross, a return arrow, a question mark. */
export function endMark(tone: Tone, x: number, y: number): string | undefined {
  const at = (dx: number, dy: number): string => `${(x + dx).toFixed(1)},${(y + dy).toFixed(1)}`;
  switch (tone) {
    case "delivered":
      return `M${at(-5, 0)}L${at(-1, 4.5)}L${at(6, -5.5)}`;
    case "dropped":
      return `M${at(-5, -5)}L${at(5, 5)}M${at(5, -5)}L${at(-5, 5)}`;
    case "rejected":
      return `M${at(-2, -6)}L${at(-5.5, -2.5)}L${at(-2, 1)}M${at(-5, -2.5)}H${(x + 1.5).toFixed(1)}A4,4,0,0,1,${at(1.5, 5.5)}H${(x - 2).toFixed(1)}`;
    case "unknown":
      return `M${at(-3, -6)}L${at(3, -6)}L${at(3, 0)}L${at(0, 0)}L${at(0, 3)}M${at(0, 5)}L${at(0, 7)}`;
    case "forwarded":
    case "rewritten":
    case "encapsulated":
      return undefined;
  }
}
