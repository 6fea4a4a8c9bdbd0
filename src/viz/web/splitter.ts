import { el } from "./dom.ts";

/** Share of the height that timeline and events may take, per cent. */
const limits = { least: 20, most: 75, step: 4 } as const;

/** A handle between the stage and the story below it: drag it, or move it with the arrow keys. */
export function splitter(panes: HTMLElement): void {
  let share = 0;
  const handle = el("div", {
    class: "splitter",
    role: "separator",
    tabindex: 0,
    "aria-label": "Height of the story",
    "aria-orientation": "horizontal",
    "aria-valuemin": limits.least,
    "aria-valuemax": limits.most,
  });
  const measured = (): number => {
    const story = panes.querySelector<HTMLElement>(".story");
    return story === null ? limits.least : (story.offsetHeight / Math.max(1, panes.clientHeight)) * 100;
  };
  const set = (wanted: number): void => {
    share = Math.min(limits.most, Math.max(limits.least, wanted));
    panes.style.setProperty("--story", `${share.toFixed(1)}%`);
    handle.setAttribute("aria-valuenow", share.toFixed(0));
  };
  handle.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    handle.setPointerCapture(event.pointerId);
  });
  handle.addEventListener("pointermove", (event) => {
    if (!handle.hasPointerCapture(event.pointerId)) return;
    const { bottom, height } = panes.getBoundingClientRect();
    set(((bottom - event.clientY) / Math.max(1, height)) * 100);
  });
  handle.addEventListener("keydown", (event) => {
    const by = event.key === "ArrowUp" ? 1 : event.key === "ArrowDown" ? -1 : 0;
    if (by === 0) return;
    event.preventDefault();
    event.stopPropagation();
    set((share === 0 ? measured() : share) + by * limits.step);
  });
  handle.addEventListener("focus", () => handle.setAttribute("aria-valuenow", measured().toFixed(0)));
  handle.setAttribute("aria-valuenow", "40");
  panes.append(handle);
}
