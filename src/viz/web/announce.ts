import type { Store } from "./store.ts";

/** Tells screen readers where the cursor is, at most once in half a second. */
export function announce(live: HTMLElement, store: Store): void {
  let timer = 0;
  store.listen((state, before) => {
    if (state.cursor === before.cursor && state.loaded === before.loaded) return;
    clearTimeout(timer);
    timer = window.setTimeout(() => {
      const { loaded, cursor } = store.state;
      const moment = loaded?.course.moments[cursor];
      if (loaded && moment)
        live.textContent = `Step ${cursor + 1} of ${loaded.course.moments.length}. ${moment.step.text}`;
    }, 500);
  });
}
