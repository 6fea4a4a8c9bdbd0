import { culprit, toMutation } from "../navigate.ts";
import type { Player } from "./player.ts";
import type { Stage } from "./stage.ts";
import type { Store } from "./store.ts";
import type { Timeline } from "./timeline.ts";

export interface KeyBinding {
  readonly keys: readonly string[];
  readonly label: string;
  readonly does: string;
  run(): void;
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
}

/** What the keys act on. */
export interface PageParts {
  readonly store: Store;
  readonly player: Player;
  readonly stage: Stage;
  readonly timeline: Timeline;
  readonly help: () => void;
}

/** All single-key shortcuts; the help lists what stands here. */
export function bindings(
  { store, player, stage, timeline, help }: PageParts,
  page: PageActions,
): readonly KeyBinding[] {
  const closer = (factor: number): void => (timeline.isInHand() ? timeline.zoomBy(factor) : stage.zoomBy(factor));
  const aside = (by: 1 | -1): void => (timeline.isInHand() ? timeline.pan(by) : stage.pan(by));
  const course = () => store.state.loaded?.course;
  const mutation = (by: 1 | -1): void => {
    const known = course();
    if (known) store.select(toMutation(known, store.state.cursor, by));
  };
  return [
    { keys: [" "], label: "Space", does: "play or pause", run: () => player.toggle() },
    { keys: ["ArrowRight", "."], label: "→ .", does: "forward", run: () => player.step(1) },
    { keys: ["ArrowLeft", ","], label: "← ,", does: "back", run: () => player.step(-1) },
    { keys: ["Shift+ArrowRight"], label: "Shift →", does: "next stop", run: () => player.step(1, "hop") },
    { keys: ["Shift+ArrowLeft"], label: "Shift ←", does: "stop before", run: () => player.step(-1, "hop") },
    { keys: ["ArrowDown"], label: "↓", does: "one step forward", run: () => player.step(1, "step") },
    { keys: ["ArrowUp"], label: "↑", does: "one step back", run: () => player.step(-1, "step") },
    { keys: ["Home"], label: "Home", does: "to the start", run: () => player.jump("start") },
    { keys: ["End"], label: "End", does: "to the end", run: () => player.jump("end") },
    { keys: ["n"], label: "n", does: "next rewrite or tunnel", run: () => mutation(1) },
    { keys: ["N", "Shift+N"], label: "N", does: "rewrite or tunnel before", run: () => mutation(-1) },
    {
      keys: ["x"],
      label: "x",
      does: "where it went wrong",
      run: () => {
        const known = course();
        const at = known && culprit(known);
        if (at !== undefined) store.update({ cursor: at, playing: false, grain: "step" });
      },
    },
    {
      keys: ["g"],
      label: "g",
      does: "stop by stop or step by step",
      run: () => store.update({ grain: store.state.grain === "hop" ? "step" : "hop" }),
    },
    { keys: ["b"], label: "b", does: "stop here while playing, or no longer", run: () => player.toggleBreakpoint() },
    { keys: ["/"], label: "/", does: "filter the events", run: page.filter },
    ...(page.again ? [{ keys: ["r"], label: "r", does: "run again with a new seed", run: page.again }] : []),
    ...(page.share ? [{ keys: ["y"], label: "y", does: "copy a link to this step", run: page.share }] : []),
    { keys: ["e"], label: "e", does: "save the stage as a picture", run: page.saveSvg },
    { keys: ["P", "Shift+P"], label: "P", does: "present: large, one sentence at a time", run: page.present },
    {
      keys: ["f"],
      label: "f",
      does: "close to the packet, or everything",
      run: () => (timeline.isInHand() ? timeline.focus() : stage.focus()),
    },
    { keys: ["]"], label: "]", does: "one level in: node, then pod", run: () => stage.level(1) },
    { keys: ["["], label: "[", does: "one level out", run: () => stage.level(-1) },
    {
      keys: ["w", "+", "="],
      label: "w +",
      does: "closer (stage, or the timeline under the pointer)",
      run: () => closer(1.25),
    },
    { keys: ["s", "-"], label: "s −", does: "further away", run: () => closer(0.8) },
    { keys: ["a"], label: "a", does: "look to the left", run: () => aside(-1) },
    { keys: ["d"], label: "d", does: "look to the right", run: () => aside(1) },
    { keys: ["Escape"], label: "Esc", does: "see everything", run: page.clear },
    { keys: ["?", "Shift+?"], label: "?", does: "this help", run: help },
  ];
}

const settingKey = "kubehop.keys";

/** WCAG 2.1.4: one setting turns the single-key shortcuts off. */
export const keySetting: { on: boolean } = {
  get on(): boolean {
    return localStorage.getItem(settingKey) !== "off";
  },
  set on(value: boolean) {
    localStorage.setItem(settingKey, value ? "on" : "off");
  },
};

/** Listens for the shortcuts, except while somebody types or presses a button with the same key. */
export function listenForKeys(all: readonly KeyBinding[]): void {
  const byKey = new Map(all.flatMap((binding) => binding.keys.map((key) => [key, binding] as const)));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !keySetting.on || isTaken(event)) return;
    const binding = byKey.get(event.shiftKey ? `Shift+${event.key}` : event.key) ?? byKey.get(event.key);
    if (!binding) return;
    // Escape closes menus as well.
    if (event.key !== "Escape") event.preventDefault();
    binding.run();
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
