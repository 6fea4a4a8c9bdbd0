import { el } from "./dom.ts";
import { stopWords } from "../stops.ts";
import type { Stage } from "./stage.ts";
import type { Store } from "./store.ts";

/** For a room: the stage alone, large type, one sentence at a time. */
export function presenter(caption: HTMLElement, store: Store, stage: Stage): { toggle(): void; end(): void } {
  const isOn = (): boolean => document.body.classList.contains("presenting");
  const draw = (): void => {
    const { loaded, cursor, grain } = store.state;
    const moment = loaded?.course.moments[cursor];
    const stop = moment && loaded?.course.stops[moment.stop];
    if (!isOn() || !loaded || !moment || !stop) return caption.replaceChildren();
    const text = grain === "step" ? moment.step.text : stopWords(loaded.course, stop).story;
    caption.replaceChildren(el("p", {}, text));
  };
  const set = (on: boolean): void => {
    if (on === isOn()) return;
    document.body.classList.toggle("presenting", on);
    if (on) store.update({ grain: "hop" });
    draw();
    stage.fit();
  };
  store.listen((state, before) => {
    if (state.cursor !== before.cursor || state.loaded !== before.loaded || state.grain !== before.grain) draw();
  });
  return { toggle: () => set(!isOn()), end: () => set(false) };
}
