import { culprit, toMutation } from "../navigate.ts";
import type { Player } from "./player.ts";
import type { Stage } from "./stage.ts";
import type { Store } from "./store.ts";

export interface KeyBinding {
  readonly keys: readonly string[];
  readonly label: string;
  readonly does: string;
  run(): void;
}

/** All single-key shortcuts; the help lists what stands here. */
export function bindings(
  store: Store,
  player: Player,
  stage: Stage,
  help: () => void,
  clear: () => void,
): readonly KeyBinding[] {
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
    { keys: ["f"], label: "f", does: "close to the packet", run: () => stage.focus() },
    { keys: ["Escape"], label: "Esc", does: "see everything", run: clear },
    { keys: ["+", "="], label: "+", does: "closer", run: () => stage.zoomBy(1.25) },
    { keys: ["-"], label: "−", does: "further away", run: () => stage.zoomBy(0.8) },
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
    event.preventDefault();
    binding.run();
  });
}

function isTaken({ target, key }: KeyboardEvent): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.closest("input, textarea, select, dialog[open]")) return true;
  return (key === " " || key === "Enter") && target.closest("button, summary, a, label") !== null;
}
