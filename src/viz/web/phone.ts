import { el } from "./dom.ts";
import type { Player } from "./player.ts";

const small = matchMedia("(max-width: 719px)");
/** A finger that moved this far sideways, and more sideways than up, turned a page. */
const swipePixels = 44;

const views = { way: "Way", map: "Map", events: "Events", input: "Input" } as const;

/**
 * What a small screen has of its own: one view at a time, the inspector as a sheet over the lower edge, steps by swiping,
 * and text that is for reading. Everything stands in the page at any size; the style sheet decides what is seen.
 */
export function phone(player: Player, openElsewhere: (() => void) | undefined): void {
  const { body } = document;
  const tabs = Object.entries(views).map(([view, label]) => {
    const tab = el("button", { type: "button", "data-view": view }, label);
    tab.addEventListener("click", () => show(view));
    return tab;
  });
  const show = (view: string): void => {
    body.dataset["view"] = view;
    for (const tab of tabs) tab.setAttribute("aria-pressed", String(tab.dataset["view"] === view));
  };
  document.querySelector("main")?.before(el("nav", { class: "views", "aria-label": "Views" }, ...tabs));
  show("way");
  sheet(document.querySelector<HTMLElement>(".inspector"));
  for (const area of document.querySelectorAll<HTMLElement>(".ribbon, .wire, .inspector")) swipes(area, player);
  // The input side is put up after this.
  if (openElsewhere) queueMicrotask(() => readingOnly(openElsewhere));
}

/** The inspector's handle: the sentence is always in sight, the rest when it is pulled up. */
function sheet(inspector: HTMLElement | null): void {
  if (inspector === null) return;
  const handle = el("button", { type: "button", class: "sheet-handle", "aria-expanded": "false" }, "Details");
  handle.addEventListener("click", () => {
    const open = inspector.classList.toggle("open");
    handle.setAttribute("aria-expanded", String(open));
  });
  inspector.prepend(handle);
}

function swipes(area: HTMLElement, player: Player): void {
  let start: { readonly x: number; readonly y: number } | undefined;
  area.addEventListener(
    "touchstart",
    ({ touches: [finger, second] }) => {
      start = finger && !second && small.matches ? { x: finger.clientX, y: finger.clientY } : undefined;
    },
    { passive: true },
  );
  area.addEventListener("touchend", ({ changedTouches: [finger] }) => {
    if (!start || !finger) return;
    const [dx, dy] = [finger.clientX - start.x, finger.clientY - start.y];
    start = undefined;
    if (Math.abs(dx) >= swipePixels && Math.abs(dx) > 1.5 * Math.abs(dy)) player.step(dx < 0 ? 1 : -1);
  });
}

/** Text is edited where there is a keyboard: here it can be read, and sent on as a link. */
function readingOnly(openElsewhere: () => void): void {
  const source = document.querySelector(".source");
  if (source === null) return;
  const link = el("button", { type: "button", class: "link" }, "Open on desktop");
  link.addEventListener("click", openElsewhere);
  source.before(el("p", { class: "phone-note" }, "For reading only on a small screen. ", link));
  const apply = (): void => {
    for (const area of source.querySelectorAll("textarea")) area.readOnly = small.matches;
  };
  small.addEventListener("change", apply);
  apply();
}
