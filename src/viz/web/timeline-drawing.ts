import type { Band, Range } from "../lanes.ts";
import { choiceOdds } from "../lanes.ts";
import type { Moment, Tone } from "../moments.ts";
import { fitted } from "../shapes.ts";
import { endMark, tickPath, tickShape } from "../ticks.ts";
import { svg } from "./dom.ts";

export const laneHeight = 16;
/** Times, breakpoints and forks stand above the lanes. */
export const axisHeight = 18;
/** The names of the lanes; on a small screen they are cut shorter. */
const labelWidths = { small: 78, large: 126 } as const;
const smallScreen = 560;
export const padding = 10;
/** With less room for a step than this its kind cannot be told by its shape. */
const shapeRoom = 6;
/** Room for a time, or for the odds of a fork. */
const timeRoom = 110;
const oddsRoom = 26;

const tones: readonly Tone[] = [
  "forwarded",
  "delivered",
  "encapsulated",
  "rewritten",
  "rejected",
  "unknown",
  "dropped",
];

export function labelWidthOf(width: number): number {
  return width < smallScreen ? labelWidths.small : labelWidths.large;
}

/** Ranks to pixels. */
export interface Scale {
  readonly width: number;
  readonly range: Range;
  x(rank: number): number;
  rank(x: number): number;
}

export function scaleOf(width: number, range: Range): Scale {
  const left = labelWidthOf(width) + padding;
  const room = Math.max(1, width - left - padding);
  const length = Math.max(1e-6, range.to - range.from);
  return {
    width,
    range,
    x: (rank) => left + ((rank - range.from) / length) * room,
    rank: (x) => range.from + ((x - left) / room) * length,
  };
}

export function laneY(lane: number): number {
  return axisHeight + lane * laneHeight + laneHeight / 2;
}

/** The detail of a timeline: lanes, ticks, the packets' lines between them, times, forks and breakpoints. */
export function drawDetail(band: Band, scale: Scale, breakpoints: ReadonlySet<number>): readonly SVGElement[] {
  const from = Math.max(0, Math.floor(scale.range.from) - 1);
  const to = Math.min(band.moments.length, Math.ceil(scale.range.to) + 2);
  const ranks = Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index);
  const dense = scale.x(1) - scale.x(0) < shapeRoom;
  const bottom = axisHeight + band.lanes.length * laneHeight;
  const forkPlaces = ranks.filter((rank) => isFork(band.moments[rank])).map((rank) => scale.x(rank));
  const labelWidth = labelWidthOf(scale.width);
  return [
    ...band.lanes.map((_, index) => lane(index, scale.width)),
    ...timeMarks(band, ranks, scale, bottom, forkPlaces),
    ...packetLines(band, scale).map((d) => svg("path", { class: "packet-line", d })),
    ...tones.map((tone) => {
      const d = ranks.map((rank) => mark(band, rank, tone, scale.x(rank), dense)).join("");
      return svg("path", { class: dense ? "ticks dense" : "ticks", "data-tone": tone, d });
    }),
    ...forks(band, ranks, scale),
    ...[...breakpoints].flatMap((cursor) => {
      const rank = band.rankOf(cursor);
      return rank >= from && rank < to ? [breakpointMark(scale.x(rank), bottom)] : [];
    }),
    svg("rect", { class: "lane-edge", x: 0, y: 0, width: labelWidth + padding - 6, height: bottom + 2 }),
    ...band.lanes.map((name, index) => laneName(name, index, labelWidth)),
  ];
}

function lane(index: number, width: number): SVGElement {
  const y = axisHeight + index * laneHeight;
  return svg("rect", { class: index % 2 === 0 ? "lane odd" : "lane", x: 0, y, width, height: laneHeight });
}

function laneName(name: string, index: number, labelWidth: number): SVGElement {
  const short = name.slice(name.indexOf("/") + 1).replace(/^\((.*)\)$/, "$1");
  const text = svg("text", { class: "lane-name", x: 10, y: laneY(index) + 4 }, fitted(short, labelWidth - 8, 6.7));
  text.append(svg("title", {}, name));
  return text;
}

function mark({ moments, laneOf }: Band, rank: number, tone: Tone, x: number, dense: boolean): string {
  const moment = moments[rank];
  if (moment?.tone !== tone) return "";
  const y = laneY(laneOf[rank] ?? 0);
  const end = endMark(tone, x, y);
  if (end !== undefined) return end;
  if (tone === "forwarded") return dense ? tickPath("bar", x, y) : tickPath(tickShape(moment.step.kind), x, y, 3.4);
  return tickPath(tone === "encapsulated" ? "rectangle" : "diamond", x, y, 4.6);
}

/** The virtual time wherever there is room for it: it does not run evenly along the steps. */
function timeMarks(
  { moments }: Band,
  ranks: readonly number[],
  scale: Scale,
  bottom: number,
  taken: readonly number[],
): readonly SVGElement[] {
  const marks: SVGElement[] = [];
  let free = labelWidthOf(scale.width);
  let told: string | undefined;
  for (const rank of ranks) {
    const [x, nanos] = [scale.x(rank), moments[rank]?.step.timeNanos ?? 0];
    const text = timeText(nanos);
    if (x < free || text === told || x > scale.width - 40) continue;
    if (taken.some((place) => place > x - oddsRoom - 8 && place < x + 56)) continue;
    told = text;
    free = x + timeRoom;
    marks.push(
      svg("line", { class: "time-line", x1: x, x2: x, y1: axisHeight - 4, y2: bottom }),
      svg("text", { class: "time", x: x + 3, y: 12 }, text),
    );
  }
  return marks;
}

/** Virtual time in a few letters: `0.03 ms`, `12 ms`, `5.005 s`. */
export function timeText(nanos: number): string {
  const millis = nanos / 1e6;
  if (millis < 1000) return `${Number(millis.toPrecision(millis < 1 ? 2 : 3))} ms`;
  return `${Number((millis / 1000).toFixed(3))} s`;
}

function isFork(moment: Moment | undefined): boolean {
  return (moment?.step.choice?.options.length ?? 0) > 1;
}

/** A fork in the road where something was chosen, with the odds of what was taken. */
function forks({ moments, laneOf }: Band, ranks: readonly number[], scale: Scale): readonly SVGElement[] {
  let free = 0;
  return ranks.flatMap((rank) => {
    const choice = moments[rank]?.step.choice;
    const x = scale.x(rank);
    if (choice === undefined || !isFork(moments[rank]) || x < labelWidthOf(scale.width)) return [];
    const y = laneY(laneOf[rank] ?? 0);
    const stem = svg("path", {
      class: "fork",
      d: `M${x},${y - 3}V${axisHeight - 3}M${x},${axisHeight}l-5,-6M${x},${axisHeight}l5,-6`,
    });
    if (x < free) return [stem];
    free = x + oddsRoom;
    return [stem, svg("text", { class: "odds", x: x + 7, y: axisHeight - 2 }, choiceOdds(choice))];
  });
}

function breakpointMark(x: number, bottom: number): SVGElement {
  return svg(
    "g",
    { class: "breakpoint" },
    svg("line", { x1: x, x2: x, y1: 8, y2: bottom }),
    svg("circle", { cx: x, cy: 6, r: 4.5 }),
  );
}

function packetLines({ moments, laneOf }: Band, scale: Scale): readonly string[] {
  const lines = new Map<number, string>();
  for (const [rank, { packet }] of moments.entries()) {
    if (!packet) continue;
    const point = `${scale.x(rank).toFixed(1)},${laneY(laneOf[rank] ?? 0)}`;
    const line = lines.get(packet.id);
    lines.set(packet.id, line === undefined ? `M${point}` : `${line}L${point}`);
  }
  return [...lines.values()];
}

/** What the pointer is over: the nearest step in words. */
export function tickWords({ step, tone }: Moment): string {
  const odds = step.choice === undefined ? "" : ` (${choiceOdds(step.choice)})`;
  return `${timeText(step.timeNanos)} · ${step.kind}${odds} · ${tone}\n${step.text}`;
}
