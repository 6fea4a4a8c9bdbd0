import type { ZoomTransform } from "d3";
import { type Box, type Point, dotsBoxId } from "../layout.ts";
import { type PodRole, roleWords } from "../roles.ts";
import { fitted } from "../shapes.ts";
import { dotAt, dotGrid, dotUnder, tileBoxId, tileInside } from "../tiles.ts";
import { el, svg } from "./dom.ts";
import type { View } from "./store.ts";

/** A set of pods drawn as dots: of a node on the way, or of a tile. */
interface DotField {
  readonly node: string;
  readonly zone: string | undefined;
  /** Around a tile; absent where the node is drawn in full. */
  readonly frame: Box | undefined;
  readonly inside: Box;
  readonly pods: readonly string[];
}

interface Colors {
  readonly text: string;
  readonly line: string;
  readonly surface: string;
  readonly roles: Readonly<Record<PodRole, string>>;
}

/** Below this scale names could not be read. */
const readable = 0.45;

/** Thousands of pods as dots on a canvas over the stage; a pod's role is its dot's shape and colour. */
export class DotLayer {
  readonly element: HTMLCanvasElement = el("canvas", { class: "dots", "aria-hidden": "true" });
  #fields: readonly DotField[] = [];
  #roles: ReadonlyMap<string, PodRole> = new Map();
  #blank = true;

  /** How many pods are dots. */
  get count(): number {
    return this.#fields.reduce((sum, { pods }) => sum + pods.length, 0);
  }

  fill({ scene, layout: { boxes } }: View, roles: ReadonlyMap<string, PodRole>): void {
    this.#roles = roles;
    const nodes = scene.nodes.flatMap(({ name, pods, idle }): readonly DotField[] => {
      const inside = boxes.get(dotsBoxId(name));
      if (inside === undefined) return [];
      const own = pods.map((pod) => pod.name);
      return [{ node: name, zone: undefined, frame: undefined, inside, pods: [...own, ...idle] }];
    });
    const tiles = scene.tiles.flatMap(({ name, zone, pods }): readonly DotField[] => {
      const frame = boxes.get(tileBoxId(name));
      return frame === undefined ? [] : [{ node: name, zone, frame, inside: tileInside(frame), pods }];
    });
    this.#fields = [...nodes, ...tiles];
    this.element.classList.toggle("on", this.#fields.length > 0);
    this.element.dataset["dots"] = String(this.count);
  }

  draw({ x, y, k }: ZoomTransform, sight: Box, size: { readonly width: number; readonly height: number }): void {
    const canvas = this.element;
    if (this.#fields.length === 0 && this.#blank) return;
    this.#blank = this.#fields.length === 0;
    const density = devicePixelRatio;
    const [width, height] = [size.width * density, size.height * density];
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    const context = canvas.getContext("2d");
    if (context === null) return;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, width, height);
    if (this.#blank) return;
    context.setTransform(density * k, 0, 0, density * k, density * x, density * y);
    const colors = colorsOf(canvas);
    for (const field of this.#fields) {
      if (overlap(field.frame ?? field.inside, sight)) drawField(context, field, this.#roles, colors, k);
    }
  }

  /** Where a node or a pod is drawn as a tile or a dot. */
  boxOf(name: string): Box | undefined {
    const field = this.#fields.find(({ node, pods }) => node === name || pods.includes(name));
    return field?.frame ?? field?.inside;
  }

  /** What stands at a point of the world: a pod, or a tile beside its pods. */
  under(point: Point): { readonly pod?: string; readonly words: string } | undefined {
    const field = this.#fields.find(({ frame, inside }) => within(frame ?? inside, point));
    if (field === undefined) return undefined;
    const { inside, pods, node, zone } = field;
    const index = dotUnder(inside, dotGrid(inside, pods.length), pods.length, point);
    const pod = index === undefined ? undefined : pods[index];
    if (pod !== undefined) return { pod, words: `${pod} on ${node}: ${roleWords[this.#roles.get(pod) ?? "other"]}` };
    return { words: `node ${node}${zone === undefined ? "" : ` in ${zone}`}, ${pods.length} pods` };
  }
}

function drawField(
  context: CanvasRenderingContext2D,
  { frame, inside, pods, node }: DotField,
  roles: ReadonlyMap<string, PodRole>,
  colors: Colors,
  scale: number,
): void {
  if (frame) {
    context.beginPath();
    context.roundRect(frame.x, frame.y, frame.width, frame.height, 6);
    context.fillStyle = colors.surface;
    context.fill();
    context.strokeStyle = colors.line;
    context.lineWidth = 1;
    context.globalAlpha = 0.55;
    context.stroke();
    context.globalAlpha = 1;
    if (scale >= readable) {
      context.fillStyle = colors.text;
      context.font = "500 11px ui-monospace, 'DejaVu Sans Mono', Menlo, monospace";
      context.fillText(fitted(node, frame.width - 10), frame.x + 7, frame.y + 14);
    }
  }
  const grid = dotGrid(inside, pods.length);
  const radius = grid.pitch * 0.29;
  context.fillStyle = colors.roles.other;
  context.beginPath();
  for (const [index, pod] of pods.entries()) {
    if (roles.has(pod)) continue;
    const { x, y } = dotAt(inside, grid, index);
    context.moveTo(x + radius, y);
    context.arc(x, y, radius, 0, 2 * Math.PI);
  }
  context.fill();
  for (const [index, pod] of pods.entries()) {
    const role = roles.get(pod);
    if (role === undefined) continue;
    const { x, y } = dotAt(inside, grid, index);
    context.fillStyle = colors.roles[role];
    context.beginPath();
    for (const [dx, dy] of corners[role]) context.lineTo(x + dx * grid.pitch * 0.5, y + dy * grid.pitch * 0.5);
    context.fill();
  }
}

/** The shape of a role: diamond, square, triangle; an octagon for what is a mere dot. */
const corners: Readonly<Record<PodRole, readonly (readonly [number, number])[]>> = {
  client: [
    [0, -1],
    [1, 0],
    [0, 1],
    [-1, 0],
  ],
  server: [
    [-0.85, -0.85],
    [0.85, -0.85],
    [0.85, 0.85],
    [-0.85, 0.85],
  ],
  path: [
    [0, -1],
    [1, 0.8],
    [-1, 0.8],
  ],
  other: Array.from({ length: 8 }, (_, index) => {
    const angle = ((index + 0.5) * Math.PI) / 4;
    return [0.6 * Math.cos(angle), 0.6 * Math.sin(angle)] as const;
  }),
};

/** What the shapes of the dots mean. */
export function dotLegend(): HTMLElement {
  const roles = Object.keys(roleWords) as PodRole[];
  return el(
    "ul",
    { class: "dot-legend", "aria-label": "Dots are pods" },
    ...roles.map((role) =>
      el(
        "li",
        { class: `role-${role}` },
        svg(
          "svg",
          { viewBox: "-1.1 -1.1 2.2 2.2", "aria-hidden": "true" },
          svg("polygon", { points: corners[role].map((corner) => corner.join(",")).join(" ") }),
        ),
        roleWords[role],
      ),
    ),
  );
}

function colorsOf(canvas: HTMLElement): Colors {
  // A canvas does not get the system's colours by itself.
  if (matchMedia("(forced-colors: active)").matches) {
    const roles = { client: "Highlight", server: "LinkText", path: "CanvasText", other: "GrayText" };
    return { text: "CanvasText", line: "CanvasText", surface: "Canvas", roles };
  }
  const style = getComputedStyle(canvas);
  const of = (name: string): string => style.getPropertyValue(name);
  return {
    text: of("--ink-soft"),
    line: of("--line-strong"),
    surface: of("--raised"),
    roles: {
      client: of("--forwarded"),
      server: of("--delivered"),
      path: of("--encapsulated"),
      other: of("--line-strong"),
    },
  };
}

function within(box: Box, { x, y }: Point): boolean {
  return x >= box.x && x <= box.x + box.width && y >= box.y && y <= box.y + box.height;
}

function overlap(a: Box, b: Box): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}
