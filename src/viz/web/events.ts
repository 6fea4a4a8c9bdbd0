import { type Tone } from "../moments.ts";
import { icons, toneWords } from "../shapes.ts";
import { stopText, stopTone } from "../stops.ts";
import { el, icon } from "./dom.ts";
import type { Loaded, State, Store } from "./store.ts";

const rowHeight = 30;

/** One line of the list: a step, or a stop at the coarse grain. */
interface Row {
  readonly cursor: number;
  readonly first: number;
  readonly last: number;
  readonly timeNanos: number;
  readonly where: string;
  readonly kind: string;
  readonly text: string;
  readonly tone: Tone;
}

/** The event list: the same story as the stage, as text; only rows in sight exist. */
export function eventsView(root: HTMLElement, store: Store): void {
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
  root.append(grid);
  let rows: readonly Row[] = [];
  const current = (): number =>
    rows.findIndex(({ first, last }) => store.state.cursor >= first && store.state.cursor <= last);
  const draw = (): void => {
    const from = Math.max(0, Math.floor(grid.scrollTop / rowHeight) - 4);
    const to = Math.min(rows.length, Math.ceil((grid.scrollTop + grid.clientHeight) / rowHeight) + 4);
    const at = current();
    const shown = rows.slice(from, to).map((row, index) => rowElement(row, from + index, from + index === at));
    for (const element of shown)
      element.addEventListener("click", () => store.select(Number(element.dataset["cursor"])));
    body.replaceChildren(...shown);
    const active = at >= from && at < to ? `event-${at}` : undefined;
    if (active === undefined) grid.removeAttribute("aria-activedescendant");
    else grid.setAttribute("aria-activedescendant", active);
  };
  const reveal = (): void => {
    const top = current() * rowHeight;
    const room = grid.clientHeight - 2 * rowHeight;
    if (top < grid.scrollTop || top > grid.scrollTop + room) grid.scrollTop = Math.max(0, top - room / 2);
  };
  grid.addEventListener("scroll", draw);
  new ResizeObserver(draw).observe(grid);
  store.listen((state, before) => {
    if (!state.loaded) return;
    if (state.loaded !== before.loaded || state.grain !== before.grain) {
      rows = rowsOf(state.loaded, state);
      grid.setAttribute("aria-rowcount", String(rows.length + 1));
      body.style.height = `${rows.length * rowHeight}px`;
    } else if (state.cursor === before.cursor) return;
    reveal();
    draw();
  });
}

function rowsOf({ course }: Loaded, { grain }: State): readonly Row[] {
  if (grain === "step") {
    return course.moments.map(({ index, step, tone }) => ({
      cursor: index,
      first: index,
      last: index,
      timeNanos: step.timeNanos,
      where: step.namespace,
      kind: step.kind,
      text: step.text,
      tone,
    }));
  }
  return course.stops.flatMap((stop) => {
    if (stop.aside) return [];
    const moment = course.moments[stop.first];
    if (!moment) return [];
    const { step } = moment;
    const tone = stopTone(course, stop);
    return [
      {
        ...stop,
        cursor: stop.last,
        timeNanos: step.timeNanos,
        where: step.namespace,
        kind: "stop",
        text: stopText(course, stop),
        tone,
      },
    ];
  });
}

function rowElement(row: Row, index: number, selected: boolean): HTMLElement {
  const cell = (className: string, ...children: (Node | string)[]): HTMLElement =>
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
    cell("number", String(index + 1)),
    cell("number", (row.timeNanos / 1e6).toFixed(3)),
    cell("where", row.where),
    cell("what", row.text),
    cell("effect", icon(icons[row.tone]), toneWords[row.tone]),
  );
  element.style.transform = `translateY(${index * rowHeight}px)`;
  element.title = row.text;
  return element;
}
