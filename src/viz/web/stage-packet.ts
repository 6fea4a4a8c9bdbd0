import { select } from "d3";
import type { Clone, Frame, Piece } from "../frame.ts";
import type { Box, Point } from "../layout.ts";
import type { Tone } from "../moments.ts";
import { pointAlong } from "../route.ts";
import { icons, polyline } from "../shapes.ts";
import { icon, reducedMotion, svg } from "./dom.ts";
import type { Layer } from "./stage-scene.ts";

/** The packet on the stage: its glyph, the trail behind it, and the others that are on their way. */
export class PacketLayer {
  readonly #trail: Layer;
  readonly #clones: Layer;
  readonly #glyph: Layer;
  #animation = 0;

  constructor(layers: { readonly trail: Layer; readonly clones: Layer; readonly glyph: Layer }) {
    this.#trail = layers.trail;
    this.#clones = layers.clones;
    this.#glyph = layers.glyph;
  }

  /** `box` is the element that the packet rests at; absent while it is on a cable. */
  draw(frame: Frame, before: Frame | undefined, box: Box | undefined, millis: number): void {
    this.#drawTrail(frame.trail);
    this.#drawClones(frame.clones);
    this.#drawGlyph(frame, box);
    const grew = before !== undefined && frame.trail.length !== before.trail.length && frame.trail.length > 0;
    if (grew) this.#travel(before.glyph.at, frame, millis);
    else this.#put(frame.glyph.at);
  }

  #drawTrail(trail: readonly Piece[]): void {
    this.#trail
      .selectAll<SVGGElement, Piece>("g")
      .data(trail)
      .join((enter) => {
        const group = enter.append("g").attr("class", "piece");
        group.append("path").attr("class", "under");
        group.append("path").attr("class", "over");
        return group;
      })
      .attr("data-tone", ({ tone }) => tone)
      .each(function ({ points }) {
        select(this).selectAll("path").attr("d", polyline(points));
      });
  }

  #drawClones(clones: readonly Clone[]): void {
    this.#clones
      .selectAll<SVGGElement, Clone>("g")
      .data(clones, ({ id }) => id)
      .join((enter) => {
        const group = enter.append("g").attr("class", "clone");
        group.append("rect").attr("x", -9).attr("y", -7).attr("width", 18).attr("height", 14).attr("rx", 5);
        return group;
      })
      .attr("data-tone", ({ tone }) => tone)
      .style("transform", ({ at }) => `translate(${at.x}px,${at.y}px)`);
  }

  /** On a cable the glyph is in the middle of it; at an element it stands at its side, so that the name stays readable. */
  #drawGlyph({ glyph, trail }: Frame, box: Box | undefined): void {
    const shift = box === undefined || box.width < 40 || box.width > 120 ? 0 : box.width / 2;
    const sign = icon(icons[glyph.tone], "sign");
    for (const [name, value] of Object.entries({ x: -8, y: -8, width: 16, height: 16 }))
      sign.setAttribute(name, String(value));
    const plate = svg("rect", { x: -15, y: -12, width: 30, height: 24, rx: 7 });
    const end = endSign(glyph.tone, headingOf(trail));
    const inner = svg("g", { transform: `translate(${shift},0)` }, end, plate, sign);
    this.#glyph.attr("data-tone", glyph.tone).node()?.replaceChildren(inner);
  }

  /** Moves the glyph along the new piece of the trail. */
  #travel(from: Point, frame: Frame, millis: number): void {
    if (reducedMotion.matches || millis < 20 || document.hidden) return this.#put(frame.glyph.at);
    const points = forwardPoints(from, frame);
    cancelAnimationFrame(this.#animation);
    const start = performance.now();
    const tick = (now: number): void => {
      const t = Math.min(1, Math.max(0, now - start) / millis);
      if (t === 1) return this.#put(frame.glyph.at);
      // A style, unlike an attribute, moves the glyph without painting the stage anew.
      const { x, y } = pointAlong(points, t * (2 - t));
      this.#glyph.style("transform", `translate(${x}px,${y}px)`);
      this.#animation = requestAnimationFrame(tick);
    };
    this.#animation = requestAnimationFrame(tick);
  }

  #put({ x, y }: Point): void {
    cancelAnimationFrame(this.#animation);
    // An attribute, unlike a style, goes with a saved picture.
    this.#glyph.attr("transform", `translate(${x},${y})`).style("transform", null);
  }
}

/** The direction in which the trail comes in, degrees. */
function headingOf(trail: readonly Piece[]): number {
  const points = trail.flatMap(({ points: own }) => own);
  const end = points.at(-1);
  const before = points.findLast(({ x, y }) => end !== undefined && (x !== end.x || y !== end.y));
  return end === undefined || before === undefined
    ? 90
    : (Math.atan2(end.y - before.y, end.x - before.x) * 180) / Math.PI;
}

/** A bar across the way of a packet that was dropped, an arrow back for one that was refused. */
function endSign(tone: Tone, heading: number): SVGElement | undefined {
  const turned = { class: "end-sign", transform: `rotate(${heading})` };
  if (tone === "dropped") return svg("path", { ...turned, d: "M20,-13V13" });
  if (tone === "rejected") return svg("path", { ...turned, d: "M-18,10H-42M-35,4L-42,10L-35,16" });
  return undefined;
}

/** The part of the trail that lies ahead of where the glyph was, or the straight way where it was elsewhere. */
function forwardPoints(from: Point, { trail, glyph }: Frame): readonly Point[] {
  const all = trail.flatMap(({ points }) => points);
  const at = all.findLastIndex(({ x, y }) => x === from.x && y === from.y);
  return at >= 0 ? all.slice(at) : [from, glyph.at];
}
