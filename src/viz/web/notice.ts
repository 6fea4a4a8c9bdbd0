import { el } from "./dom.ts";
import type { State, Store } from "./store.ts";

/** Answers come at once; only what takes longer is announced, milliseconds. */
const patience = 400;

/** What the stage says over itself: nothing to show, something wrong, still computing. */
export function noticeView(
  root: HTMLElement,
  store: Store,
  actions: { cancel(): void; openSample(): void; showProblems(): void; showWhole(): void },
): void {
  let timer = 0;
  let since = 0;
  const link = (label: string, run: () => void): HTMLElement => {
    const button = el("button", { type: "button" }, label);
    button.addEventListener("click", run);
    return button;
  };
  const doingWords = el("span", {});
  /** Stays where it is while the words beside it change, lest a click on it or its focus be lost. */
  const computing = [doingWords, link("Cancel", actions.cancel)];
  const content = (
    { empty, loaded, problems, failure, busy, doing, note, picked }: State,
    slow: boolean,
  ): readonly Node[] => {
    if (empty) {
      return [
        el("strong", {}, "Nothing to send yet"),
        el("span", {}, "Paste manifests on the left, or drop a file anywhere."),
        link("Show me an example", actions.openSample),
      ];
    }
    if (busy && slow) {
      doingWords.textContent = `${doing ?? "Computing"}…`;
      return computing;
    }
    if (failure !== undefined) return [el("strong", {}, failure)];
    if (picked[0] !== undefined) return [el("span", {}, `From ${picked[0]}: click the pod to send to, or press Esc.`)];
    if (problems.length === 0 && note !== undefined) return [el("span", {}, note)];
    if (problems.length === 0 && (loaded?.podsLeftOut ?? 0) > 0 && !busy) {
      const pods = (loaded?.podsLeftOut ?? 0).toLocaleString("en");
      return [
        el("span", {}, `A large cluster: of its ${pods} pods only those on the way are drawn.`),
        link("Draw all", actions.showWhole),
      ];
    }
    if (problems.length === 0) return [];
    const count = problems.length === 1 ? "a problem" : `${problems.length} problems`;
    const last = loaded === undefined ? "there is nothing to show." : "this is the last trace that worked.";
    return [el("span", {}, `The input has ${count}; ${last}`), link("Show", actions.showProblems)];
  };
  const draw = (slow: boolean): void => {
    const { state } = store;
    const parts = content(state, slow);
    if (parts !== computing || computing.some((part) => part.parentNode !== root)) root.replaceChildren(...parts);
    root.classList.toggle("whole", state.empty);
  };
  store.listen((state, before) => {
    document.body.classList.toggle("first-load", state.busy && state.loaded === undefined);
    const same = (["empty", "loaded", "problems", "failure", "busy", "doing", "note", "picked"] as const).every(
      (key) => state[key] === before[key],
    );
    if (same) return;
    clearTimeout(timer);
    if (!state.busy) return draw(false);
    if (!before.busy) since = performance.now();
    // While an edit is computed, what was said before stays in sight.
    timer = window.setTimeout(() => draw(true), Math.max(0, since + patience - performance.now()));
  });
}
