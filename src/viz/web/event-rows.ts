import { packetAt } from "../../trace/recorder.ts";
import { changeWords } from "../change-words.ts";
import { stopMatches } from "../filter.ts";
import type { Course, Moment, Stop, Tone } from "../moments.ts";
import type { Grain } from "../navigate.ts";
import { icons, toneWords } from "../shapes.ts";
import { stopText, stopTone, stopWords } from "../stops.ts";
import { el, icon } from "./dom.ts";

export const rowHeight = 26;

/** One line of the list: a step, or a stop at the coarse grain. */
export interface Row {
  readonly cursor: number;
  /** Its number in the whole list, filtered or not. */
  readonly number: number;
  readonly first: number;
  readonly last: number;
  readonly timeNanos: number;
  readonly where: string;
  readonly kind: string;
  readonly text: string;
  /** The short form of it: without the packet's ends, which then stand behind it. */
  readonly story?: string;
  readonly ends?: string;
  /** What it does to the packet. */
  readonly change: string;
  readonly tone: Tone;
}

export const columns = ["#", "ms", "where", "kind", "what", "changes", "effect"] as const;

/** The rows of a trace that a filter lets through. */
export function rowsOf(course: Course, grain: Grain, matches: (moment: Moment) => boolean): readonly Row[] {
  if (grain === "step") return course.moments.filter(matches).map(stepRow);
  const story = course.stops.filter(({ aside }) => !aside);
  return story.flatMap((stop, index) => (stopMatches(course, stop, matches) ? [stopRow(course, stop, index + 1)] : []));
}

function stepRow({ index, step, tone, hop, stepIndex }: Moment): Row {
  return {
    cursor: index,
    number: index + 1,
    first: index,
    last: index,
    timeNanos: step.timeNanos,
    where: step.namespace,
    kind: step.kind,
    text: step.text,
    change:
      hop === undefined || step.changes === undefined
        ? ""
        : changeWords(packetAt(hop, stepIndex), packetAt(hop, stepIndex + 1)),
    tone,
  };
}

function stopRow(course: Course, stop: Stop, number: number): Row {
  const { step, hop, stepIndex } = course.moments[stop.first] as Moment;
  const { stepIndex: lastStep } = course.moments[stop.last] as Moment;
  const flags = hop?.packet.flags ?? hop?.packet.chunks;
  return {
    ...stop,
    cursor: stop.last,
    number,
    timeNanos: step.timeNanos,
    where: step.namespace,
    kind: hop === undefined ? step.kind : `${hop.packet.protocol}${flags === undefined ? "" : ` ${flags}`}`,
    text: stopText(course, stop),
    ...stopWords(course, stop),
    change: hop === undefined ? "" : changeWords(packetAt(hop, stepIndex), packetAt(hop, lastStep + 1)),
    tone: stopTone(course, stop),
  };
}

export function rowElement(row: Row, index: number, selected: boolean, broken: boolean): HTMLElement {
  const cell = (className: string, ...children: (Node | string | false)[]): HTMLElement =>
    el("span", { role: "gridcell", class: className }, ...children);
  const element = el(
    "div",
    {
      role: "row",
      id: `event-${index}`,
      class: "event",
      "aria-label": row.text,
      "aria-rowindex": index + 2,
      "aria-selected": selected ? "true" : "false",
      "data-cursor": row.cursor,
      "data-tone": row.tone,
    },
    cell(broken ? "number broken" : "number", broken && el("span", { class: "sr" }, "breakpoint "), String(row.number)),
    cell("number", (row.timeNanos / 1e6).toFixed(3)),
    cell("where", row.where),
    cell("kind", row.kind),
    cell("what", row.story ?? row.text, row.ends !== undefined && el("code", { class: "quiet" }, row.ends)),
    cell("change", row.change),
    cell("effect", icon(icons[row.tone]), toneWords[row.tone]),
  );
  element.style.transform = `translateY(${index * rowHeight}px)`;
  element.title = row.text;
  return element;
}
