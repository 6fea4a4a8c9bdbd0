import type { Moment } from "../moments.ts";
import type { Grain } from "../navigate.ts";
import { type EntryAt, type TableAt, stateAt } from "../state-at.ts";
import { tableWords } from "../state-words.ts";
import { el } from "./dom.ts";
import type { Loaded } from "./store.ts";

/** Entries of a table in sight; the others wait behind a fold. */
const entriesInSight = 8;

/** What the namespaces hold after this step; this one first and open. */
export function stateTab({ index, step, stop }: Moment, { course, trace }: Loaded, grain: Grain): Node[] {
  const since = grain === "hop" ? (course.stops[stop]?.first ?? index) : index;
  const all = stateAt(course, index, { before: trace.before, since });
  if (all.length === 0) return [el("p", { class: "quiet nothing" }, "Nothing has been noted or looked up yet.")];
  const partly = trace.before === undefined;
  return [
    ...(partly
      ? [el("p", { class: "quiet nothing" }, "This trace holds only what its own steps changed or found.")]
      : []),
    ...all.map(({ namespace, tables }) =>
      el(
        "details",
        { class: "card namespace-state", open: namespace === step.namespace },
        el(
          "summary",
          {},
          namespace,
          ...(tables.some(touched) && namespace === step.namespace ? [el("span", { class: "chip here" }, "here")] : []),
        ),
        ...tables.map(tableCard),
      ),
    ),
  ];
}

function touched({ entries }: TableAt): boolean {
  return entries.some(({ change, used }) => change !== undefined || used === true);
}

function tableCard({ table, entries, leftOut }: TableAt): HTMLElement {
  const [seen, folded] = [entries.slice(0, entriesInSight), entries.slice(entriesInSight)];
  const hidden = folded.length + leftOut;
  return el(
    "div",
    { class: "state-table" },
    el("h3", {}, el("span", { class: "chip cylinder" }, tableWords[table]), ` ${entries.length + leftOut}`),
    el("ul", { class: "states" }, ...seen.map(entryLine)),
    hidden > 0 &&
      el(
        "details",
        { class: "more" },
        el("summary", {}, `${hidden} more`),
        el("ul", { class: "states" }, ...folded.map(entryLine)),
        leftOut > 0 && el("p", { class: "quiet" }, `${leftOut} of them are not listed in the trace.`),
      ),
  );
}

const changeWords = { add: "new", update: "changed", delete: "gone" } as const;

function entryLine({ key, text, change, used, before }: EntryAt): HTMLElement {
  const whole = text === "" || text.includes(key) ? text || key : `${key} ${text}`;
  return el(
    "li",
    { class: change ?? (used === true ? "used" : "") },
    change && el("em", {}, `${changeWords[change]} `),
    !change && used === true && el("em", {}, "looked up "),
    before !== undefined && before !== text && el("code", { class: "gone" }, before),
    before !== undefined && before !== text && " → ",
    el("code", {}, whole),
  );
}
