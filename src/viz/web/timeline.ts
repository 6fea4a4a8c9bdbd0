import type { Course, Moment, Tone } from "../moments.ts";
import { fitted } from "../shapes.ts";
import { svg } from "./dom.ts";
import type { Loaded, Store } from "./store.ts";

const laneHeight = 19;
const labelWidth = 132;
const padding = 10;
const toneOrder: readonly Tone[] = [
  "forwarded",
  "delivered",
  "encapsulated",
  "rewritten",
  "rejected",
  "unknown",
  "dropped",
];

/** Lanes of places, ticks of steps, the packet's line between them. A slider: its value is the step. */
export function timelineView(root: HTMLElement, store: Store): void {
  const picture = svg("svg", { class: "lanes", "aria-hidden": "true" });
  const cursor = svg("line", { class: "cursor" });
  root.append(picture);
  const xOf = (index: number, count: number): number =>
    labelWidth + padding + (index / Math.max(1, count - 1)) * (root.clientWidth - labelWidth - 2 * padding);
  const draw = (loaded: Loaded): void => {
    const { moments } = loaded.course;
    const lanes = lanesOf(loaded);
    const height = lanes.length * laneHeight + 4;
    picture.setAttribute("width", String(root.clientWidth));
    picture.setAttribute("height", String(height));
    const x = (moment: Moment): number => xOf(moment.index, moments.length);
    const y = (moment: Moment): number => lanes.indexOf(moment.step.namespace) * laneHeight + laneHeight / 2 + 2;
    picture.replaceChildren(
      ...lanes.map((_, index) =>
        svg("rect", {
          class: index % 2 === 0 ? "lane" : "lane odd",
          x: 0,
          y: index * laneHeight + 2,
          width: root.clientWidth,
          height: laneHeight,
        }),
      ),
      ...lanes.map((name, index) =>
        svg("text", { x: 8, y: index * laneHeight + laneHeight / 2 + 6 }, fitted(name, labelWidth)),
      ),
      ...packetLines(loaded.course, x, y).map((d) => svg("path", { class: "packet-line", d })),
      ...toneOrder.map((tone) =>
        svg("path", {
          class: "ticks",
          "data-tone": tone,
          d: moments
            .filter((one) => one.tone === tone)
            .map((one) => tick(tone, x(one), y(one)))
            .join(""),
        }),
      ),
      cursor,
    );
    cursor.setAttribute("y2", String(height));
  };
  const place = (): void => {
    const { loaded, cursor: at } = store.state;
    if (!loaded) return;
    const { moments } = loaded.course;
    const x = xOf(at, moments.length);
    cursor.setAttribute("x1", String(x));
    cursor.setAttribute("x2", String(x));
    root.setAttribute("aria-valuemin", "1");
    root.setAttribute("aria-valuemax", String(Math.max(1, moments.length)));
    root.setAttribute("aria-valuenow", String(at + 1));
    root.setAttribute("aria-valuetext", `Step ${at + 1} of ${moments.length}. ${moments[at]?.step.text ?? ""}`);
  };
  const seek = (event: PointerEvent): void => {
    const { loaded } = store.state;
    if (!loaded) return;
    const share =
      (event.clientX - root.getBoundingClientRect().left - labelWidth - padding) /
      (root.clientWidth - labelWidth - 2 * padding);
    store.select(Math.round(share * (loaded.course.moments.length - 1)));
  };
  root.addEventListener("pointerdown", (event) => {
    root.setPointerCapture(event.pointerId);
    seek(event);
  });
  root.addEventListener("pointermove", (event) => {
    if (root.hasPointerCapture(event.pointerId)) seek(event);
  });
  const redraw = (): void => {
    if (store.state.loaded) draw(store.state.loaded);
    place();
  };
  new ResizeObserver(redraw).observe(root);
  store.listen((state, before) => {
    if (state.loaded !== before.loaded) redraw();
    else if (state.cursor !== before.cursor) place();
  });
}

/** Node by node, pods first, as they stand on the stage. */
function lanesOf({ views, course }: Loaded): readonly string[] {
  const { scene } = views.step;
  const used = new Set(course.moments.map(({ step }) => step.namespace));
  const all = [
    ...scene.nodes.flatMap(({ host, pods }) => [...pods.map(({ name }) => name), host.name]),
    ...scene.fabric.map(({ name }) => name),
  ];
  return all.filter((name) => used.has(name));
}

type Place = (moment: Moment) => number;

function packetLines({ moments }: Course, x: Place, y: Place): string[] {
  const lines = new Map<number, string>();
  for (const moment of moments) {
    if (!moment.packet) continue;
    const line = lines.get(moment.packet.id);
    lines.set(moment.packet.id, `${line ?? ""}${line === undefined ? "M" : "L"}${x(moment).toFixed(1)},${y(moment)}`);
  }
  return [...lines.values()];
}

/** Marks by shape: bar, diamond (rewritten), square (tunnel), tall bar (an end), cross (dropped). */
function tick(tone: Tone, x: number, y: number): string {
  const at = (dx: number, dy: number): string => `${(x + dx).toFixed(1)},${y + dy}`;
  switch (tone) {
    case "forwarded":
      return `M${at(0, -4)}L${at(0, 4)}`;
    case "rewritten":
      return `M${at(0, -5)}L${at(5, 0)}L${at(0, 5)}L${at(-5, 0)}Z`;
    case "encapsulated":
      return `M${at(-4, -4)}L${at(4, -4)}L${at(4, 4)}L${at(-4, 4)}Z`;
    case "delivered":
      return `M${at(-5, 0)}L${at(-1, 5)}L${at(6, -6)}`;
    case "dropped":
    case "rejected":
      return `M${at(-5, -5)}L${at(5, 5)}M${at(5, -5)}L${at(-5, 5)}`;
    case "unknown":
      return `M${at(-3, -6)}L${at(3, -6)}L${at(3, 0)}L${at(0, 0)}L${at(0, 3)}M${at(0, 5)}L${at(0, 7)}`;
  }
}
