import { moved, stopPosition } from "../navigate.ts";
import { stopWords } from "../stops.ts";
import { button, el, icon, reducedMotion } from "./dom.ts";
import type { Store } from "./store.ts";

const paths = {
  first: "M4,3V13M13,3L6.5,8L13,13Z",
  back: "M11.5,3L5,8L11.5,13Z",
  play: "M4.5,2.5L13,8L4.5,13.5Z",
  pause: "M4.5,3H6.5V13H4.5ZM9.5,3H11.5V13H9.5Z",
  next: "M4.5,3L11,8L4.5,13Z",
  last: "M12,3V13M3,3L9.5,8L3,13Z",
} as const;

/** Time that one place stays in sight while playing, milliseconds at speed 1: to see it, and for each letter to read. */
const dwellMillis = { hop: { look: 900, letter: 14 }, step: { look: 500, letter: 10 } } as const;
const longestDwell = 4000;
/** At `instant` nothing moves, but each place is drawn. */
const instantMillis = 60;
const speeds = [0.25, 0.5, 1, 2, 4, 8] as const;
const instant = "instant";

/** Play, pause and step; the only clock of the page. */
export class Player {
  readonly #store: Store;
  #timer = 0;

  constructor(root: HTMLElement, store: Store) {
    this.#store = store;
    const play = button("Play (Space)", icon(paths.play), () => this.toggle(), { class: "primary" });
    const position = el("output", { class: "position" });
    const speed = el(
      "select",
      { "aria-label": "Speed" },
      ...speeds.map((one) => el("option", { value: one }, `${one}×`)),
      el("option", {}, instant),
    );
    speed.value = "1";
    speed.addEventListener("change", () =>
      store.update({ speed: speed.value === instant ? Infinity : Number(speed.value) }),
    );
    const grain = el(
      "select",
      { "aria-label": "Grain: stop by stop or step by step (g)" },
      el("option", { value: "hop" }, "by stop"),
      el("option", { value: "step" }, "by step"),
    );
    grain.addEventListener("change", () => store.update({ grain: grain.value === "step" ? "step" : "hop" }));
    root.append(
      button("To the start (Home)", icon(paths.first), () => this.jump("start")),
      button("Back (←)", icon(paths.back), () => this.step(-1)),
      play,
      button("Forward (→)", icon(paths.next), () => this.step(1)),
      button("To the end (End)", icon(paths.last), () => this.jump("end")),
      position,
      grain,
      speed,
    );
    store.listen((state, before) => {
      const { loaded, cursor, playing } = state;
      if (playing !== before.playing) {
        play.replaceChildren(icon(playing ? paths.pause : paths.play));
        play.setAttribute("aria-label", playing ? "Pause (Space)" : "Play (Space)");
        play.title = playing ? "Pause (Space)" : "Play (Space)";
      }
      grain.value = state.grain;
      if (loaded) {
        const { at, of } =
          state.grain === "hop"
            ? stopPosition(loaded.course, cursor)
            : { at: cursor + 1, of: loaded.course.moments.length };
        position.textContent = `${at} / ${of}`;
      }
      if (playing && (!before.playing || cursor !== before.cursor)) this.#wait();
    });
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) store.update({ playing: false });
    });
  }

  toggle(): void {
    const { loaded, cursor, playing } = this.#store.state;
    if (!loaded) return;
    const atEnd = cursor >= loaded.course.moments.length - 1;
    this.#store.update({ playing: !playing, ...(atEnd && !playing && { cursor: 0 }) });
  }

  /** Playing stops at the step in sight, or no longer does. */
  toggleBreakpoint(): void {
    const { breakpoints, cursor } = this.#store.state;
    const next = new Set(breakpoints);
    if (!next.delete(cursor)) next.add(cursor);
    this.#store.update({ breakpoints: next });
  }

  step(by: 1 | -1, grain = this.#store.state.grain): void {
    const { loaded, cursor } = this.#store.state;
    if (loaded) this.#store.select(moved(loaded.course, cursor, grain, by));
  }

  jump(to: "start" | "end"): void {
    const { loaded } = this.#store.state;
    if (loaded) this.#store.select(to === "start" ? 0 : loaded.course.moments.length - 1);
  }

  #wait(): void {
    clearTimeout(this.#timer);
    const { grain, speed, loaded, cursor } = this.#store.state;
    const { look, letter } = dwellMillis[grain];
    const moment = loaded?.course.moments[cursor];
    const stop = grain === "hop" ? loaded?.course.stops[moment?.stop ?? 0] : undefined;
    const letters = loaded && stop ? stopWords(loaded.course, stop).story.length : (moment?.step.text.length ?? 0);
    const millis = Math.max(instantMillis, Math.min(longestDwell, look + letter * letters) / speed);
    this.#timer = window.setTimeout(() => this.#advance(), reducedMotion.matches ? Math.max(millis, 500) : millis);
  }

  #advance(): void {
    const { loaded, cursor, grain, playing, breakpoints } = this.#store.state;
    if (!loaded || !playing) return;
    const next = moved(loaded.course, cursor, grain, 1);
    const broken = [...breakpoints].filter((at) => at > cursor && at <= next).toSorted((a, b) => a - b)[0];
    if (broken !== undefined) return this.#store.update({ cursor: broken, playing: false });
    this.#store.update(
      next === cursor ? { playing: false } : { cursor: next, playing: next < loaded.course.moments.length - 1 },
    );
  }
}
