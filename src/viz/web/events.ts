import { parseFilter } from "../filter.ts";
import type { Course } from "../moments.ts";
import { button, el } from "./dom.ts";
import { type Row, columns, rowElement, rowHeight, rowsOf } from "./event-rows.ts";
import { filterBox } from "./filter-box.ts";
import type { State, Store } from "./store.ts";

/** The event list: the same story as the stage, as text; only rows in sight exist. */
export function eventsView(root: HTMLElement, filterBar: HTMLElement, store: Store): { focusFilter(): void } {
  const header = el(
    "div",
    { role: "row", class: "event head", "aria-rowindex": 1 },
    ...columns.map((name) => el("span", { role: "columnheader" }, name)),
  );
  const body = el("div", { role: "rowgroup", class: "event-body" });
  const grid = el(
    "div",
    { role: "grid", class: "events", tabindex: 0, "aria-label": "Events" },
    el("div", { role: "rowgroup", class: "event-head" }, header),
    body,
  );
  const nothing = el(
    "p",
    { class: "no-events", hidden: true },
    "No event fits this filter. ",
    button("Show all events", "Show all", () => store.update({ filter: "" })),
  );
  root.append(grid, nothing);
  const filter = filterBox(filterBar, store, () => grid.focus());
  let rows: readonly Row[] = [];
  const current = (): number =>
    rows.findIndex(({ first, last }) => store.state.cursor >= first && store.state.cursor <= last);
  const draw = (): void => {
    const from = Math.max(0, Math.floor(grid.scrollTop / rowHeight) - 4);
    const to = Math.min(rows.length, Math.ceil((grid.scrollTop + grid.clientHeight) / rowHeight) + 4);
    const at = current();
    const { breakpoints } = store.state;
    const shown = rows.slice(from, to).map((row, index) => {
      const broken = [...breakpoints].some((one) => one >= row.first && one <= row.last);
      return rowElement(row, from + index, from + index === at, broken);
    });
    for (const element of shown)
      element.addEventListener("click", () => store.select(Number(element.dataset["cursor"])));
    body.replaceChildren(...shown);
    const active = at >= from && at < to ? `event-${at}` : undefined;
    if (active === undefined) grid.removeAttribute("aria-activedescendant");
    else grid.setAttribute("aria-activedescendant", active);
  };
  const reveal = (): void => {
    const at = current();
    if (at < 0) return;
    const top = at * rowHeight;
    const room = grid.clientHeight - 2 * rowHeight;
    // Whole rows: none stands half under the head of the list.
    if (top < grid.scrollTop || top > grid.scrollTop + room)
      grid.scrollTop = Math.max(0, Math.ceil((top - room / 2) / rowHeight) * rowHeight);
  };
  grid.addEventListener("scroll", draw);
  new ResizeObserver(draw).observe(grid);
  // A grid answers these keys even where the page's single keys are turned off: along the rows that the filter leaves.
  grid.addEventListener("keydown", (event) => {
    const to = rowTarget(event, nearest(rows, store.state.cursor), rows.length - 1, grid.clientHeight);
    const row = to === undefined ? undefined : rows[to];
    if (row === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    store.select(row.cursor);
  });
  store.listen((state, before) => {
    if (!state.loaded) return;
    const refilled = state.loaded !== before.loaded || state.grain !== before.grain || state.filter !== before.filter;
    if (refilled) {
      const understood = parseFilter(state.filter);
      const { course } = state.loaded;
      const wrong = "problem" in understood;
      if (!wrong) rows = rowsOf(course, state.grain, understood.matches);
      filter.say(wrong ? understood.problem : countWords(rows, state, course));
      grid.setAttribute("aria-rowcount", String(rows.length + 1));
      body.style.height = `${rows.length * rowHeight}px`;
      nothing.hidden = rows.length > 0;
    } else if (state.cursor === before.cursor && state.breakpoints === before.breakpoints) return;
    reveal();
    draw();
  });
  return { focusFilter: () => filter.focus() };
}

function countWords(rows: readonly Row[], { grain, filter }: State, { moments, stops }: Course): string {
  if (filter.trim() === "") return "";
  return `${rows.length} of ${grain === "step" ? moments.length : stops.filter(({ aside }) => !aside).length}`;
}

/** The row of the cursor, or the last one before it. */
function nearest(rows: readonly Row[], cursor: number): number {
  return rows.findLastIndex(({ first }) => first <= cursor);
}

function rowTarget({ key, shiftKey }: KeyboardEvent, at: number, last: number, height: number): number | undefined {
  const page = Math.max(1, Math.floor(height / rowHeight) - 2);
  if (shiftKey) return undefined;
  switch (key) {
    case "ArrowDown":
      return Math.min(last, at + 1);
    case "ArrowUp":
      return Math.max(0, at - 1);
    case "PageDown":
      return Math.min(last, at + page);
    case "PageUp":
      return Math.max(0, at - page);
    case "Home":
      return 0;
    case "End":
      return last;
    default:
      return undefined;
  }
}
