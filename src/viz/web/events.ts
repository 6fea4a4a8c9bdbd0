import { filterKeys, parseFilter, stopMatches } from "../filter.ts";
import type { Course, Moment, Tone } from "../moments.ts";
import { icons, toneWords } from "../shapes.ts";
import { stopText, stopTone } from "../stops.ts";
import { el, icon } from "./dom.ts";
import type { Loaded, State, Store } from "./store.ts";

const rowHeight = 26;

/** One line of the list: a step, or a stop at the coarse grain. */
interface Row {
  readonly cursor: number;
  /** Its number in the whole list, filtered or not. */
  readonly number: number;
  readonly first: number;
  readonly last: number;
  readonly timeNanos: number;
  readonly where: string;
  readonly kind: string;
  readonly text: string;
  readonly tone: Tone;
}

/** The event list: the same story as the stage, as text; only rows in sight exist. */
export function eventsView(root: HTMLElement, filterBar: HTMLElement, store: Store): { focusFilter(): void } {
  const columns = ["#", "time", "where", "what", "effect"];
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
  const filter = el("input", {
    id: "filter",
    type: "search",
    "aria-label": "Filter events",
    "aria-describedby": "filter-note",
    placeholder: "Filter (/)   kind:nat  where:node-a  owner:web  -kind:hook",
    spellcheck: "false",
    autocomplete: "off",
  });
  const note = el("span", { id: "filter-note", class: "quiet", role: "status" });
  filterBar.append(filter, note);
  root.append(grid);
  let rows: readonly Row[] = [];
  filter.addEventListener("input", () => store.update({ filter: filter.value }));
  filter.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" && event.key !== "Enter") return;
    event.preventDefault();
    if (event.key === "Escape") store.update({ filter: "" });
    grid.focus();
  });
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
    if (top < grid.scrollTop || top > grid.scrollTop + room) grid.scrollTop = Math.max(0, top - room / 2);
  };
  grid.addEventListener("scroll", draw);
  new ResizeObserver(draw).observe(grid);
  store.listen((state, before) => {
    if (!state.loaded) return;
    const refilled = state.loaded !== before.loaded || state.grain !== before.grain || state.filter !== before.filter;
    if (refilled) {
      const understood = parseFilter(state.filter);
      const all = state.loaded.course;
      const wrong = "problem" in understood;
      if (filter.value !== state.filter) filter.value = state.filter;
      filter.setAttribute("aria-invalid", String(wrong));
      filter.classList.toggle("works", !wrong && state.filter.trim() !== "");
      if (!wrong) rows = rowsOf(state.loaded, state, understood.matches);
      note.textContent = wrong ? `${understood.problem}; keys: ${filterKeys.join(", ")}` : countWords(rows, state, all);
      grid.setAttribute("aria-rowcount", String(rows.length + 1));
      body.style.height = `${rows.length * rowHeight}px`;
    } else if (state.cursor === before.cursor && state.breakpoints === before.breakpoints) return;
    reveal();
    draw();
  });
  return { focusFilter: () => filter.select() };
}

function countWords(rows: readonly Row[], { grain, filter }: State, { moments, stops }: Course): string {
  if (filter.trim() === "") return "";
  return `${rows.length} of ${grain === "step" ? moments.length : stops.filter(({ aside }) => !aside).length}`;
}

function rowsOf({ course }: Loaded, { grain }: State, matches: (moment: Moment) => boolean): readonly Row[] {
  if (grain === "step") {
    return course.moments.filter(matches).map(({ index, step, tone }) => ({
      cursor: index,
      number: index + 1,
      first: index,
      last: index,
      timeNanos: step.timeNanos,
      where: step.namespace,
      kind: step.kind,
      text: step.text,
      tone,
    }));
  }
  const story = course.stops.filter(({ aside }) => !aside);
  return story.flatMap((stop, index) => {
    if (!stopMatches(course, stop, matches)) return [];
    const moment = course.moments[stop.first];
    if (!moment) return [];
    const { step } = moment;
    const tone = stopTone(course, stop);
    return [
      {
        ...stop,
        cursor: stop.last,
        number: index + 1,
        timeNanos: step.timeNanos,
        where: step.namespace,
        kind: "stop",
        text: stopText(course, stop),
        tone,
      },
    ];
  });
}

function rowElement(row: Row, index: number, selected: boolean, broken: boolean): HTMLElement {
  const cell = (className: string, ...children: (Node | string | false)[]): HTMLElement =>
    el("span", { role: "gridcell", class: className }, ...children);
  const element = el(
    "div",
    {
      role: "row",
      id: `event-${index}`,
      class: "event",
      "aria-rowindex": index + 2,
      "aria-selected": selected ? "true" : "false",
      "data-cursor": row.cursor,
      "data-tone": row.tone,
    },
    cell(broken ? "number broken" : "number", broken && el("span", { class: "sr" }, "breakpoint "), String(row.number)),
    cell("number", (row.timeNanos / 1e6).toFixed(3)),
    cell("where", row.where),
    cell("what", row.text),
    cell("effect", icon(icons[row.tone]), toneWords[row.tone]),
  );
  element.style.transform = `translateY(${index * rowHeight}px)`;
  element.title = row.text;
  return element;
}
