import { type D3BrushEvent, brushX, select } from "d3";
import type { Band, Range } from "../lanes.ts";
import type { Tone } from "../moments.ts";
import { svg } from "./dom.ts";
import { labelWidthOf, padding, scaleOf } from "./timeline-drawing.ts";

const height = 24;

/** What must be seen from far away is drawn last. */
const tones: readonly Tone[] = [
  "forwarded",
  "encapsulated",
  "rewritten",
  "delivered",
  "unknown",
  "rejected",
  "dropped",
];

export interface Overview {
  readonly element: SVGSVGElement;
  draw(band: Band, width: number, cursor: number): void;
  /** Shows which piece the detail below shows. */
  mark(range: Range): void;
}

/** The whole trace in a strip, with a brush over the piece that is shown in detail. */
export function overview(onBrush: (range: Range) => void): Overview {
  const marks = svg("g", {});
  const cursorLine = svg("line", { class: "cursor", y1: 0, y2: height });
  const handle = svg("g", { class: "brush" });
  const element = svg("svg", { class: "overview", height, "aria-hidden": "true" }, marks, handle, cursorLine);
  let band: Band | undefined;
  let width = 0;
  const last = (): number => Math.max(1, (band?.moments.length ?? 1) - 1);
  const scale = () => scaleOf(width, { from: 0, to: last() });
  const brush = brushX<unknown>().on("brush end", (event: D3BrushEvent<unknown>) => {
    // Without a source it was moved by us.
    if (event.sourceEvent === undefined || event.sourceEvent === null) return;
    const [left, right] = (event.selection as [number, number] | null) ?? [scale().x(0), scale().x(last())];
    onBrush({ from: scale().rank(left), to: scale().rank(right) });
  });
  return {
    element,
    draw(next, wide, cursor) {
      const fresh = next !== band || wide !== width;
      [band, width] = [next, wide];
      const { x } = scale();
      const at = x(next.rankOf(cursor));
      for (const name of ["x1", "x2"]) cursorLine.setAttribute(name, String(at));
      if (!fresh) return;
      element.setAttribute("width", String(wide));
      marks.replaceChildren(
        ...tones.map((tone) => svg("path", { class: "ticks", "data-tone": tone, d: strokes(next, tone, x) })),
      );
      const left = labelWidthOf(wide) + padding;
      brush.extent([
        [left, 1],
        [Math.max(left + 1, wide - padding), height - 1],
      ]);
      select(handle).call(brush);
    },
    mark({ from, to }) {
      if (width === 0) return;
      const { x } = scale();
      select(handle).call(brush.move, [x(from), x(to)]);
    },
  };
}

function strokes({ moments, lanes, laneOf }: Band, tone: Tone, x: (rank: number) => number): string {
  const pitch = (height - 8) / Math.max(1, lanes.length);
  return moments
    .map((moment, rank) => {
      if (moment.tone !== tone) return "";
      const y = 4 + (laneOf[rank] ?? 0) * pitch;
      return tone === "forwarded"
        ? `M${x(rank).toFixed(1)},${y.toFixed(1)}v${Math.max(1.4, pitch - 0.6).toFixed(1)}`
        : `M${x(rank).toFixed(1)},${(y - 1.5).toFixed(1)}v${(pitch + 3).toFixed(1)}`;
    })
    .join("");
}
