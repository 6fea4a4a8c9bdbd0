import { stopPosition } from "../navigate.ts";
import { stopText } from "../stops.ts";
import type { State, Store } from "./store.ts";

/** Between two announcements, milliseconds: a reader must be able to finish a few words. */
const pauseMillis = 1000;
/** Before the first one: what follows at once belongs to it. */
const restMillis = 300;

/** Tells screen readers where the cursor is: politely, and never more often than they can follow. */
export function announce(live: HTMLElement, store: Store): void {
  let timer = 0;
  let last = -Infinity;
  store.listen((state, before) => {
    if (state.cursor === before.cursor && state.loaded === before.loaded && state.grain === before.grain) return;
    if (timer !== 0) return;
    const wait = Math.max(restMillis, last + pauseMillis - performance.now());
    timer = window.setTimeout(() => {
      timer = 0;
      last = performance.now();
      live.textContent = words(store.state);
    }, wait);
  });
}

function words({ loaded, cursor, grain }: State): string {
  const moment = loaded?.course.moments[cursor];
  if (!loaded || !moment) return "";
  const { course } = loaded;
  const stop = course.stops[moment.stop];
  if (grain === "hop" && stop) {
    const { at, of } = stopPosition(course, cursor);
    return `Stop ${at} of ${of}. ${stopText(course, stop)}`;
  }
  const { step } = moment;
  const place = "chain" in step ? `${step.table} ${step.hook}` : `${step.kind} in ${step.namespace}`;
  return `Step ${cursor + 1} of ${course.moments.length}. ${place}. ${step.text}`;
}
