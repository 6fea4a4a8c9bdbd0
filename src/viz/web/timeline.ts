import type { Moment, Tone } from "../moments.ts";
import type { Grain } from "../navigate.ts";
import { fitted } from "../shapes.ts";
import { svg } from "./dom.ts";
import type { Loaded, State, Store } from "./store.ts";

const laneHeight = 17;
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

/** What the timeline draws at a grain: at the coarse one the story alone. */
interface Band {
  readonly moments: readonly Moment[];
  readonly lanes: readonly string[];
}

/** Lanes of places, ticks of steps, the packet's line between them. A slider: its value is the step. */
export function timelineView(root: HTMLElement, store: Store): void {
  const picture = svg("svg", { class: "lanes", "aria-hidden": "true" });
  const cursor = svg("line", { class: "cursor", y1: 0 });
  root.append(picture);
  let band: Band = { moments: [], lanes: [] };
  const left = labelWidth + padding;
  const width = (): number => Math.max(1, root.clientWidth - left - padding);
  const xOf = (rank: number): number => left + (rank / Math.max(1, band.moments.length - 1)) * width();
  const draw = (): void => {
    const { moments, lanes } = band;
    const ranks = new Map(moments.map((moment, rank) => [moment, rank]));
    const x = (moment: Moment): number => xOf(ranks.get(moment) ?? 0);
    const y = (moment: Moment): number => lanes.indexOf(moment.step.namespace) * laneHeight + laneHeight / 2 + 2;
    const height = lanes.length * laneHeight + 4;
    picture.setAttribute("width", String(root.clientWidth));
    picture.setAttribute("height", String(height));
    picture.classList.toggle("dense", width() / moments.length < 4);
    cursor.setAttribute("y2", String(height));
    picture.replaceChildren(
      ...lanes.flatMap((name, index) => lane(name, index, root.clientWidth)),
      ...packetLines(moments, x, y).map((d) => svg("path", { class: "packet-line", d })),
      ...toneOrder.map((tone) => {
        const marks = moments
          .filter((moment) => moment.tone === tone)
          .map((moment) => tick(tone, x(moment), y(moment)));
        return svg("path", { class: "ticks", "data-tone": tone, d: marks.join("") });
      }),
      cursor,
    );
  };
  const place = ({ loaded, cursor: at }: State): void => {
    if (!loaded) return;
    const { moments } = loaded.course;
    const x = xOf(
      Math.max(
        0,
        band.moments.findLastIndex(({ index }) => index <= at),
      ),
    );
    cursor.setAttribute("x1", String(x));
    cursor.setAttribute("x2", String(x));
    root.setAttribute("aria-valuemax", String(Math.max(1, moments.length)));
    root.setAttribute("aria-valuenow", String(at + 1));
    root.setAttribute("aria-valuetext", `Step ${at + 1} of ${moments.length}. ${moments[at]?.step.text ?? ""}`);
  };
  const seek = (event: PointerEvent): void => {
    const share = (event.clientX - root.getBoundingClientRect().left - left) / width();
    const rank = Math.min(Math.max(0, Math.round(share * (band.moments.length - 1))), band.moments.length - 1);
    store.select(band.moments[rank]?.index ?? 0);
  };
  root.addEventListener("pointerdown", (event) => {
    root.setPointerCapture(event.pointerId);
    seek(event);
  });
  root.addEventListener("pointermove", (event) => {
    if (root.hasPointerCapture(event.pointerId)) seek(event);
  });
  new ResizeObserver(() => {
    draw();
    place(store.state);
  }).observe(root);
  store.listen((state, before) => {
    const fresh = state.loaded !== before.loaded || state.grain !== before.grain;
    if (fresh && state.loaded) {
      band = bandOf(state.loaded, state.grain);
      draw();
    }
    if (fresh || state.cursor !== before.cursor) place(state);
  });
}

/** Node by node, pods first, as they stand on the stage. */
function bandOf({ views, course }: Loaded, grain: Grain): Band {
  const { scene } = views[grain];
  const moments = course.moments.filter(({ stop }) => grain === "step" || course.stops[stop]?.aside === false);
  const used = new Set(moments.map(({ step }) => step.namespace));
  const pods = scene.nodes.flatMap(({ host, pods }) => [...pods.map(({ name }) => name), host.name]);
  return { moments, lanes: [...pods, ...scene.fabric.map(({ name }) => name)].filter((name) => used.has(name)) };
}

function lane(name: string, index: number, width: number): SVGElement[] {
  const back = svg("rect", {
    class: index % 2 === 0 ? "lane" : "lane odd",
    x: 0,
    y: index * laneHeight + 2,
    width,
    height: laneHeight,
  });
  const text = svg(
    "text",
    { x: 8, y: index * laneHeight + laneHeight / 2 + 6 },
    fitted(name.slice(name.indexOf("/") + 1), labelWidth, 7),
  );
  text.append(svg("title", {}, name));
  return [back, text];
}

type Place = (moment: Moment) => number;

function packetLines(moments: readonly Moment[], x: Place, y: Place): string[] {
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
