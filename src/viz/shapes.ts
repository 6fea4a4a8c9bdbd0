import { type Box, type Point, centre } from "./layout.ts";
import type { Tone } from "./moments.ts";
import type { ElementKind } from "./scene.ts";

/** Outlines and icons as SVG path data. Kind by shape: hexagon endpoint, rectangle device, diamond decision, cylinder state. */
export function outline(kind: ElementKind, box: Box): string {
  const { x, y, width, height } = box;
  const { x: cx, y: cy } = centre(box);
  switch (kind) {
    case "process":
      return `M${x + 12},${y}H${x + width - 12}L${x + width},${cy}L${x + width - 12},${y + height}H${x + 12}L${x},${cy}Z`;
    case "stack":
      return `M${cx},${y}L${x + width},${cy}L${cx},${y + height}L${x},${cy}Z`;
    case "state":
      return cylinder(box);
    case "bridge":
      return roundedRect(box, 5);
    case "tunnel":
      return `${roundedRect(box, 6)}${roundedRect({ x: x + 4, y: y + 4, width: width - 8, height: height - 8 }, 3)}`;
    case "interface":
      return roundedRect(box, 6);
  }
}

function cylinder({ x, y, width, height }: Box): string {
  const lid = 3;
  const arc = (end: number, at: number, sweep: 0 | 1): string => `A${width / 2},${lid},0,0,${sweep},${end},${at}`;
  const body = `M${x},${y + lid}${arc(x + width, y + lid, 1)}V${y + height - lid}${arc(x, y + height - lid, 1)}Z`;
  return `${body}M${x},${y + lid}${arc(x + width, y + lid, 0)}`;
}

export function roundedRect({ x, y, width, height }: Box, radius: number): string {
  const r = Math.max(0, Math.min(radius, width / 2, height / 2));
  const arc = (dx: number, dy: number): string => `a${r},${r},0,0,1,${dx},${dy}`;
  return `M${x + r},${y}h${width - 2 * r}${arc(r, r)}v${height - 2 * r}${arc(-r, r)}h${2 * r - width}${arc(-r, -r)}v${2 * r - height}${arc(r, -r)}Z`;
}

/** A polyline with rounded corners. */
export function polyline(points: readonly Point[], radius = 8): string {
  const [first, ...rest] = points;
  if (first === undefined) return "";
  let path = `M${first.x},${first.y}`;
  for (const [index, point] of rest.entries()) {
    const next = rest[index + 1];
    if (next === undefined) {
      path += `L${point.x},${point.y}`;
      continue;
    }
    const before = points[index] as Point;
    const a = towards(point, before, radius);
    const b = towards(point, next, radius);
    path += `L${a.x},${a.y}Q${point.x},${point.y},${b.x},${b.y}`;
  }
  return path;
}

function towards(from: Point, to: Point, distance: number): Point {
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  const share = length === 0 ? 0 : Math.min(distance, length / 2) / length;
  return { x: from.x + (to.x - from.x) * share, y: from.y + (to.y - from.y) * share };
}

/** Icons on a 16 by 16 grid, drawn as strokes: no font is needed and none turns them into pictures. */
export const icons: Readonly<Record<Tone, string>> = {
  forwarded: "M3,8H12.5M8.5,4L12.5,8L8.5,12",
  rewritten: "M3,5.5H13L10.2,2.7M13,10.5H3L5.8,13.3",
  encapsulated: "M2.5,2.5H13.5V13.5H2.5ZM6,6H10V10H6Z",
  delivered: "M3,8.6L6.5,12L13,4.5",
  dropped: "M4,4L12,12M12,4L4,12",
  rejected: "M6.2,2.8L2.7,6.3L6.2,9.8M3,6.3H9.6A3.4,3.4,0,0,1,9.6,13.1H7",
  unknown: "M5.4,5.9A2.6,2.6,0,1,1,9.2,8.2C8.3,8.7,8,9.2,8,10.2M8,12.6V13.2",
};

export const toneWords: Readonly<Record<Tone, string>> = {
  forwarded: "goes on",
  rewritten: "rewritten",
  encapsulated: "in a tunnel",
  delivered: "delivered",
  dropped: "dropped",
  rejected: "rejected",
  unknown: "unknown",
};

/** A name cut to about `width` units, by default of 11-unit monospace text; the whole one belongs into the title. */
export function fitted(name: string, width: number, letterWidth = 6.5): string {
  const letters = Math.max(3, Math.floor(width / letterWidth));
  return name.length <= letters ? name : `${name.slice(0, letters - 1)}…`;
}
