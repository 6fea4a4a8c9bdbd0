import { culprit, forkAt, toMutation } from "../navigate.ts";
import type { Player } from "./player.ts";
import type { Stage } from "./stage.ts";
import type { Store } from "./store.ts";
import type { Timeline } from "./timeline.ts";

export interface KeyBinding {
  readonly group: "Play" | "Jump" | "Look" | "Do";
  readonly keys: readonly string[];
  readonly label: string;
  readonly does: string;
  run(key: string): void;
}

/** What keys do beyond stepping and looking. */
export interface PageActions {
  readonly filter: () => void;
  /** Absent where nothing can be run. */
  readonly again?: () => void;
  readonly share?: () => void;
  readonly saveSvg: () => void;
  readonly present: () => void;
  readonly clear: () => void;
  readonly help: () => void;
}

/** What the keys act on. */
export interface PageParts {
  readonly store: Store;
  readonly player: Player;
  readonly stage: Stage;
  readonly timeline: Timeline;
}

export const branchKeys: readonly string[] = ["1", "2", "3", "4", "5", "6", "7", "8", "9"];

/** All single-key shortcuts; the help and the palette list what stands here. */
export function bindings({ store, player, stage, timeline }: PageParts, page: PageActions): readonly KeyBinding[] {
  const course = () => store.state.loaded?.course;
  const closer = (factor: number): void => (timeline.isInHand() ? timeline.zoomBy(factor) : stage.zoomBy(factor));
  const aside = (by: 1 | -1): void => (timeline.isInHand() ? timeline.pan(by) : stage.pan(by));
  const mutation = (by: 1 | -1): void => {
    const known = course();
    if (known) store.select(toMutation(known, store.state.cursor, by));
  };
  const toCulprit = (): void => {
    const known = course();
    const at = known && culprit(known);
    if (at !== undefined) store.update({ cursor: at, playing: false, grain: "step" });
  };
  const turnGrain = (): void => store.update({ grain: store.state.grain === "hop" ? "step" : "hop" });
  const close = (): void => (timeline.isInHand() ? timeline.focus() : stage.focus());
  const { again, share } = page;
  return [
    { group: "Play", keys: [" "], label: "Space", does: "play or pause", run: () => player.toggle() },
    { group: "Play", keys: ["ArrowRight", "."], label: "→ .", does: "forward", run: () => player.step(1) },
    { group: "Play", keys: ["ArrowLeft", ","], label: "← ,", does: "back", run: () => player.step(-1) },
    {
      group: "Play",
      keys: ["Shift+ArrowRight"],
      label: "Shift →",
      does: "next stop",
      run: () => player.step(1, "hop"),
    },
    {
      group: "Play",
      keys: ["Shift+ArrowLeft"],
      label: "Shift ←",
      does: "stop before",
      run: () => player.step(-1, "hop"),
    },
    { group: "Play", keys: ["ArrowDown"], label: "↓", does: "one step forward", run: () => player.step(1, "step") },
    { group: "Play", keys: ["ArrowUp"], label: "↑", does: "one step back", run: () => player.step(-1, "step") },
    { group: "Play", keys: ["g"], label: "g", does: "stop by stop or step by step", run: turnGrain },
    {
      group: "Play",
      keys: ["b"],
      label: "b",
      does: "stop here while playing, or no longer",
      run: () => player.toggleBreakpoint(),
    },
    { group: "Jump", keys: ["Home"], label: "Home", does: "to the start", run: () => player.jump("start") },
    { group: "Jump", keys: ["End"], label: "End", does: "to the end", run: () => player.jump("end") },
    { group: "Jump", keys: ["n"], label: "n", does: "next rewrite or tunnel", run: () => mutation(1) },
    { group: "Jump", keys: ["N", "Shift+N"], label: "N", does: "rewrite or tunnel before", run: () => mutation(-1) },
    { group: "Jump", keys: ["x"], label: "x", does: "where it went wrong", run: toCulprit },
    {
      group: "Jump",
      keys: branchKeys,
      label: "1–9",
      does: "at a fork: take this branch instead",
      run: (key) => takeBranch(store, Number(key)),
    },
    { group: "Look", keys: ["f"], label: "f", does: "close to the packet, or everything", run: close },
    { group: "Look", keys: ["]"], label: "]", does: "one level in: way, node, namespace", run: () => stage.level(1) },
    { group: "Look", keys: ["["], label: "[", does: "one level out", run: () => stage.level(-1) },
    {
      group: "Look",
      keys: ["w", "+", "="],
      label: "w +",
      does: "closer (the stage, or the timeline under the pointer)",
      run: () => closer(1.25),
    },
    { group: "Look", keys: ["s", "-"], label: "s −", does: "further away", run: () => closer(0.8) },
    { group: "Look", keys: ["a"], label: "a", does: "look to the left", run: () => aside(-1) },
    { group: "Look", keys: ["d"], label: "d", does: "look to the right", run: () => aside(1) },
    { group: "Look", keys: ["Escape"], label: "Esc", does: "see everything", run: page.clear },
    { group: "Do", keys: ["/"], label: "/", does: "filter the events", run: page.filter },
    ...(again
      ? [{ group: "Do" as const, keys: ["r"], label: "r", does: "run again with a new seed", run: () => again() }]
      : []),
    ...(share
      ? [{ group: "Do" as const, keys: ["y"], label: "y", does: "copy a link to this step", run: () => share() }]
      : []),
    { group: "Do", keys: ["e"], label: "e", does: "save the stage as a picture", run: page.saveSvg },
    {
      group: "Do",
      keys: ["P", "Shift+P"],
      label: "P",
      does: "present: large, one sentence at a time",
      run: page.present,
    },
    { group: "Do", keys: ["?", "Shift+?"], label: "?", does: "all keys", run: page.help },
  ];
}

/** Runs again with another option of the choice at the cursor; what came before it stays as it was. */
export function takeBranch(store: Store, number: number): void {
  const { loaded, request, cursor, grain } = store.state;
  const choice = loaded && forkAt(loaded.course, cursor, grain);
  if (!choice || !request || !store.run || number > choice.options.length || choice.taken === number - 1) return;
  store.run({ ...request, pins: { ...request.pins, [choice.id]: number - 1 } }, { step: cursor + 1, grain });
}

const settingKey = "kubehop.keys";

/** WCAG 2.1.4: one setting turns the single-key shortcuts off. A page without storage forgets it when it is closed. */
export const keySetting: { on: boolean } = {
  get on(): boolean {
    return (stored(() => localStorage.getItem(settingKey)) ?? remembered) !== "off";
  },
  set on(value: boolean) {
    remembered = value ? "on" : "off";
    stored(() => localStorage.setItem(settingKey, remembered));
  },
};

let remembered = "on";

function stored<T>(use: () => T): T | undefined {
  try {
    return use();
  } catch {
    return undefined;
  }
}

/** Listens for the shortcuts, except while somebody types or presses a button with the same key. */
export function listenForKeys(all: readonly KeyBinding[], palette: () => void): void {
  const byKey = new Map(all.flatMap((binding) => binding.keys.map((key) => [key, binding] as const)));
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      return palette();
    }
    if (event.ctrlKey || event.metaKey || event.altKey || !keySetting.on || isTaken(event)) return;
    const binding = byKey.get(event.shiftKey ? `Shift+${event.key}` : event.key) ?? byKey.get(event.key);
    if (!binding) return;
    // Escape closes menus as well.
    if (event.key !== "Escape") event.preventDefault();
    binding.run(event.key);
  });
}

function isTaken(event: KeyboardEvent): boolean {
  // The editor is in a shadow root: the event names only its host, its path the element itself.
  const [target] = event.composedPath();
  const { key } = event;
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target.closest("input, textarea, select, dialog[open]")) return true;
  return (key === " " || key === "Enter") && target.closest("button, summary, a, label") !== null;
}
