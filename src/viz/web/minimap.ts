import { type Box, type Point, nodeBoxId } from "../layout.ts";
import { tileBoxId } from "../tiles.ts";
import { el } from "./dom.ts";
import type { View } from "./store.ts";

const large = { width: 148, height: 96 } as const;
const small = { width: 96, height: 62 } as const;
/** On a narrower stage the map is the small one. */
const narrow = 560;
const edge = 5;

/** The whole stage in a corner, while only a piece of it is in sight. The keys do the same: it is for pointers. */
export class Minimap {
  readonly element: HTMLCanvasElement = el("canvas", {
    class: "minimap",
    "aria-hidden": "true",
    title: "Drag to look elsewhere",
  });
  #view: View | undefined;
  #size: { readonly width: number; readonly height: number } = large;

  constructor(onPoint: (point: Point) => void) {
    const move = (event: PointerEvent): void => {
      if (!this.#view) return;
      const { left, top } = this.element.getBoundingClientRect();
      const { bounds } = this.#view.layout;
      const scale = scaleOf(bounds, this.#size);
      onPoint({
        x: bounds.x + (event.clientX - left - edge) / scale,
        y: bounds.y + (event.clientY - top - edge) / scale,
      });
    };
    this.element.addEventListener("pointerdown", (event) => {
      this.element.setPointerCapture(event.pointerId);
      move(event);
    });
    this.element.addEventListener("pointermove", (event) => {
      if (this.element.hasPointerCapture(event.pointerId)) move(event);
    });
  }

  draw(view: View, sight: Box, packet: Point | undefined, stageWidth: number): void {
    this.#view = view;
    const { bounds, boxes } = view.layout;
    const whole = holds(grown(sight, 2), bounds);
    this.element.classList.toggle("on", !whole);
    if (whole) return;
    this.#size = stageWidth < narrow ? small : large;
    const scale = scaleOf(bounds, this.#size);
    const density = devicePixelRatio;
    const width = Math.round(bounds.width * scale + 2 * edge);
    const height = Math.round(bounds.height * scale + 2 * edge);
    this.element.style.width = `${width}px`;
    this.element.style.height = `${height}px`;
    if (this.element.width !== width * density) this.element.width = width * density;
    if (this.element.height !== height * density) this.element.height = height * density;
    const context = this.element.getContext("2d");
    if (context === null) return;
    const style = getComputedStyle(this.element);
    const color = (name: string): string => style.getPropertyValue(name);
    const place = ({ x, y, width: w, height: h }: Box): [number, number, number, number] => [
      edge + (x - bounds.x) * scale,
      edge + (y - bounds.y) * scale,
      Math.max(1, w * scale),
      Math.max(1, h * scale),
    ];
    context.setTransform(density, 0, 0, density, 0, 0);
    context.clearRect(0, 0, width, height);
    const paint = (ids: readonly string[], fill: string): void => {
      context.fillStyle = fill;
      for (const id of ids) {
        const box = boxes.get(id);
        if (box) context.fillRect(...place(box));
      }
    };
    paint(
      view.scene.tiles.map(({ name }) => tileBoxId(name)),
      color("--line"),
    );
    paint(
      view.scene.fabric.map(({ name }) => name),
      color("--line-strong"),
    );
    paint(
      view.scene.nodes.map(({ name }) => nodeBoxId(name)),
      color("--line-strong"),
    );
    if (packet) {
      context.fillStyle = color("--accent");
      context.beginPath();
      context.arc(edge + (packet.x - bounds.x) * scale, edge + (packet.y - bounds.y) * scale, 3.5, 0, 2 * Math.PI);
      context.fill();
    }
    context.strokeStyle = color("--accent");
    context.lineWidth = 1.5;
    context.strokeRect(...place(sight));
  }
}

function scaleOf(bounds: Box, size: { readonly width: number; readonly height: number }): number {
  return Math.min((size.width - 2 * edge) / bounds.width, (size.height - 2 * edge) / bounds.height);
}

function grown({ x, y, width, height }: Box, by: number): Box {
  return { x: x - by, y: y - by, width: width + 2 * by, height: height + 2 * by };
}

function holds(outer: Box, inner: Box): boolean {
  return (
    inner.x >= outer.x &&
    inner.y >= outer.y &&
    inner.x + inner.width <= outer.x + outer.width &&
    inner.y + inner.height <= outer.y + outer.height
  );
}
