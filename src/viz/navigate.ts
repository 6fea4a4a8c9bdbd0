import type { Choice } from "../trace/records.ts";
import type { Course } from "./moments.ts";

export type Grain = "hop" | "step";

/** The cursor one step or stop further (`by` 1) or back (-1). At hop grain it rests on the last step of a stop. */
export function moved(course: Course, cursor: number, grain: Grain, by: 1 | -1): number {
  if (grain === "step") return clamp(course, cursor + by);
  let at = (course.moments[cursor]?.stop ?? 0) + by;
  while (course.stops[at]?.aside === true) at += by;
  return course.stops[at]?.last ?? (by > 0 ? course.moments.length - 1 : 0);
}

/** The next or previous rewrite or encapsulation; the cursor itself where there is none. */
export function toMutation(course: Course, cursor: number, by: 1 | -1): number {
  for (let at = cursor + by; at >= 0 && at < course.moments.length; at += by) {
    const tone = course.moments[at]?.tone;
    if (tone === "rewritten" || tone === "encapsulated") return at;
  }
  return cursor;
}

/** The step that spoilt it: the first drop, else the first refusal, else the first thing that is not modelled. */
export function culprit(course: Course): number | undefined {
  const story = course.moments.filter(({ stop }) => course.stops[stop]?.aside === false);
  const drop = story.find(({ step, packet }) => step.kind === "drop" && packet?.verdict !== "delivered");
  if (drop) return drop.index;
  const bad = (["dropped", "rejected", "unknown"] as const).map((tone) => story.find((one) => one.tone === tone));
  return bad.find((moment) => moment !== undefined)?.index;
}

/** Where the cursor is among the stops of the story, counted from 1. */
export function stopPosition(course: Course, cursor: number): { readonly at: number; readonly of: number } {
  const story = course.stops.filter(({ aside }) => !aside);
  return { at: Math.max(1, story.filter(({ first }) => first <= cursor).length), of: story.length };
}

/** The nearest index that exists. */
export function clamp(course: Course, cursor: number): number {
  return Math.min(Math.max(0, cursor), Math.max(0, course.moments.length - 1));
}

/** What was chosen at the cursor among several: at hop grain the first such choice of the stop. */
export function forkAt({ moments, stops }: Course, cursor: number, grain: Grain): Choice | undefined {
  const moment = moments[cursor];
  const stop = grain === "hop" ? stops[moment?.stop ?? -1] : undefined;
  const here = stop === undefined ? moments.slice(cursor, cursor + 1) : moments.slice(stop.first, stop.last + 1);
  return here.map(({ step }) => step.choice).find((choice) => (choice?.options.length ?? 0) > 1);
}
