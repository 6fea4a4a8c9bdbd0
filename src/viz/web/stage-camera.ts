import { type Selection, type ZoomTransform, select, zoom, zoomIdentity, zoomTransform } from "d3";
import { type Box, type Point, centre } from "../layout.ts";
import { reducedMotion } from "./dom.ts";

const glideMillis = 240;
const closest = 4;
const furthest = 0.05;
/** A view of a few boxes is not blown up beyond this. */
const closestFit = 1.5;
const margin = 12;

/** What of the world the stage shows: fitted to a box, panned and zoomed by hand. */
export class Camera {
  readonly #svg: SVGSVGElement;
  readonly #target: Selection<SVGSVGElement, unknown, null, undefined>;
  readonly #zoom = zoom<SVGSVGElement, unknown>().scaleExtent([furthest, closest]);
  #animation = 0;
  /** Measured when it changes: asking for it in every frame would make the browser lay the page out each time. */
  #size = { width: 0, height: 0 };

  /** `onMove` is told of every change; `byHand` where somebody dragged or turned the wheel. */
  constructor(svg: SVGSVGElement, onMove: (transform: ZoomTransform, byHand: boolean) => void) {
    this.#svg = svg;
    this.#target = select(svg);
    this.#zoom.on("zoom", (event: { readonly transform: ZoomTransform; readonly sourceEvent: unknown }) =>
      onMove(event.transform, event.sourceEvent !== undefined && event.sourceEvent !== null),
    );
    this.#target.call(this.#zoom).on("dblclick.zoom", null);
  }

  get transform(): ZoomTransform {
    return zoomTransform(this.#svg);
  }

  /** Tells how large the stage has become. */
  resize(): void {
    const { clientWidth, clientHeight } = this.#svg;
    this.#size = { width: clientWidth, height: clientHeight };
  }

  get width(): number {
    return this.#size.width;
  }

  get height(): number {
    return this.#size.height;
  }

  /** The piece of the world in sight. */
  get sight(): Box {
    const { x, y, k } = this.transform;
    const { width, height } = this.#size;
    return { x: -x / k, y: -y / k, width: width / k, height: height / k };
  }

  /** The point of the world under a point of the screen. */
  worldPoint({ clientX, clientY }: MouseEvent): Point {
    const { left, top } = this.#svg.getBoundingClientRect();
    const [x, y] = this.transform.invert([clientX - left, clientY - top]);
    return { x, y };
  }

  /** The scale at which a box would be shown. */
  fitScale(box: Box, top = 0): number {
    const { width, height } = this.#size;
    return Math.min(closestFit, (width - 2 * margin) / box.width, (height - 2 * margin - top) / box.height);
  }

  /** Shows a box as large as it fits; `top` leaves room for what lies over the stage there, pixels. */
  look(box: Box, { glide = true, top = 0 }: { readonly glide?: boolean; readonly top?: number } = {}): void {
    const { width, height } = this.#size;
    if (width === 0 || height === 0) return;
    const scale = this.fitScale(box, top);
    const { x, y } = centre(box);
    const goal = zoomIdentity.translate(width / 2 - x * scale, (height + top) / 2 - y * scale).scale(scale);
    if (glide && !reducedMotion.matches && !document.hidden) this.#glide(goal);
    else this.#jump(goal);
  }

  zoomBy(factor: number): void {
    cancelAnimationFrame(this.#animation);
    this.#zoom.scaleBy(this.#target, factor);
  }

  /** Moves the view by a share of its width. */
  pan(share: number): void {
    cancelAnimationFrame(this.#animation);
    this.#zoom.translateBy(this.#target, (-share * this.#size.width) / this.transform.k, 0);
  }

  /** Brings a point of the world into the middle. */
  centreOn({ x, y }: Point): void {
    cancelAnimationFrame(this.#animation);
    this.#zoom.translateTo(this.#target, x, y);
  }

  #jump(goal: ZoomTransform): void {
    cancelAnimationFrame(this.#animation);
    this.#zoom.transform(this.#target, goal);
  }

  #glide(goal: ZoomTransform): void {
    cancelAnimationFrame(this.#animation);
    const from = this.transform;
    const start = performance.now();
    const tick = (now: number): void => {
      const t = Math.min(1, Math.max(0, now - start) / glideMillis);
      const eased = t * (2 - t);
      const mix = (a: number, b: number): number => a + (b - a) * eased;
      const next = zoomIdentity.translate(mix(from.x, goal.x), mix(from.y, goal.y)).scale(mix(from.k, goal.k));
      this.#zoom.transform(this.#target, t < 1 ? next : goal);
      if (t < 1) this.#animation = requestAnimationFrame(tick);
    };
    this.#animation = requestAnimationFrame(tick);
  }
}
