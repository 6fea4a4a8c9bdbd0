import { type Box, type Layout, type Point, centre } from "./layout.ts";
import type { Scene, SceneLink } from "./scene.ts";

/** The way a packet takes over the stage: along the links, never through walls. */
export class Ways {
  readonly #scene: Scene;
  readonly #layout: Layout;
  readonly #neighbours = new Map<string, { readonly to: string; readonly link: SceneLink }[]>();
  readonly #known = new Map<string, readonly Point[]>();

  constructor(scene: Scene, layout: Layout) {
    this.#scene = scene;
    this.#layout = layout;
    for (const link of scene.links) {
      if (!layout.boxes.has(link.from) || !layout.boxes.has(link.to)) continue;
      this.#edge(link.from, link.to, link);
      this.#edge(link.to, link.from, link);
    }
  }

  /** The points from one element to another; straight where no link leads there. */
  between(from: string, to: string): readonly Point[] {
    const key = `${from} ${to}`;
    const known = this.#known.get(key);
    if (known) return known;
    const points = this.#find(from, to);
    this.#known.set(key, points);
    return points;
  }

  /** The line of one link, from end to end. */
  linkPoints(link: SceneLink): readonly Point[] {
    return this.#line(link.from, link.to, link);
  }

  get links(): readonly SceneLink[] {
    return this.#scene.links.filter(({ from, to }) => this.#layout.boxes.has(from) && this.#layout.boxes.has(to));
  }

  #edge(from: string, to: string, link: SceneLink): void {
    const edges = this.#neighbours.get(from) ?? [];
    edges.push({ to, link });
    this.#neighbours.set(from, edges);
  }

  #find(from: string, to: string): readonly Point[] {
    const via = new Map<string, { readonly from: string; readonly link: SceneLink }>();
    const queue = [from];
    for (const place of queue) {
      if (place === to) break;
      for (const { to: next, link } of this.#neighbours.get(place) ?? []) {
        if (next === from || via.has(next)) continue;
        via.set(next, { from: place, link });
        queue.push(next);
      }
    }
    const start = this.#layout.boxes.get(from);
    const end = this.#layout.boxes.get(to);
    if (from === to || !via.has(to)) return [start, end].filter((box) => box !== undefined).map(centre);
    const lines: (readonly Point[])[] = [];
    for (let place = to; place !== from;) {
      const step = via.get(place) as { readonly from: string; readonly link: SceneLink };
      lines.unshift(this.#line(step.from, place, step.link));
      place = step.from;
    }
    return lines.flat().filter((point, index, all) => index === 0 || !samePoint(point, all[index - 1] as Point));
  }

  /** Where an interface leads: down from a lower border, up from an upper one. */
  #side(id: string): 1 | -1 {
    const chip = this.#layout.boxes.get(id);
    const machine = this.#layout.boxes.get(id.slice(0, id.indexOf("|")));
    return chip !== undefined && machine !== undefined && chip.y < machine.y ? -1 : 1;
  }

  #line(from: string, to: string, link: SceneLink): readonly Point[] {
    const a = this.#layout.boxes.get(from) as Box;
    const b = this.#layout.boxes.get(to) as Box;
    const start = anchor(a, b);
    const end = anchor(b, a);
    if (start.x === end.x || link.kind === "inside") return [start, end];
    if (start.y === end.y) return wireBeside(start, end, this.#side(from));
    const middle = (start.y + end.y) / 2;
    return [start, { x: start.x, y: middle }, { x: end.x, y: middle }, end];
  }
}

/** A wide box (a bridge) is met straight above or below the other end. */
function anchor(box: Box, other: Box): Point {
  const point = centre(box);
  const x = centre(other).x;
  return box.width > 100 && x > box.x && x < box.x + box.width ? { x, y: point.y } : point;
}

/** Two network cards on one line: their wire hangs below or stands above the machines. */
function wireBeside(start: Point, end: Point, side: 1 | -1): readonly Point[] {
  const y = start.y + side * (side > 0 ? 44 : 24);
  return [start, { x: start.x, y }, { x: end.x, y }, end];
}

function samePoint(a: Point, b: Point): boolean {
  return a.x === b.x && a.y === b.y;
}

/** The point a share `t` (0 to 1) of the way along a line. */
export function pointAlong(points: readonly Point[], t: number): Point {
  const [first] = points;
  if (first === undefined) return { x: 0, y: 0 };
  let left = lengthOf(points) * Math.min(1, Math.max(0, t));
  for (let i = 1; i < points.length; i++) {
    const a = points[i - 1] as Point;
    const b = points[i] as Point;
    const length = Math.hypot(b.x - a.x, b.y - a.y);
    if (left <= length && length > 0)
      return { x: a.x + ((b.x - a.x) * left) / length, y: a.y + ((b.y - a.y) * left) / length };
    left -= length;
  }
  return points.at(-1) as Point;
}

export function lengthOf(points: readonly Point[]): number {
  return points
    .slice(1)
    .reduce((sum, point, i) => sum + Math.hypot(point.x - (points[i] as Point).x, point.y - (points[i] as Point).y), 0);
}
