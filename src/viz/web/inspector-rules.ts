import { type ChainLine, chainVisits } from "../chain-view.ts";
import type { Moment } from "../moments.ts";
import { el } from "./dom.ts";
import type { Loaded, Store } from "./store.ts";

/** The chains of this stop as the packet went through them, with the cursor and, for a miss, the term that failed. */
export function rulesTab(moment: Moment, { course }: Loaded, store: Store): Node[] {
  const visits = chainVisits(course, moment);
  if (visits.length === 0) return [el("p", { class: "quiet nothing" }, "No rule was looked at in this stop.")];
  return visits.map(({ hook, table, chain, lines }) =>
    el(
      "section",
      { class: "card" },
      el("h3", {}, `${table} ${hook} · `, el("strong", {}, chain)),
      el("ol", { class: "rule-lines" }, ...lines.map((line) => ruleLine(line, moment.index, store))),
    ),
  );
}

const resultWords = { matched: "✓", missed: "✗", end: "•" } as const;

function ruleLine(line: ChainLine, cursor: number, store: Store): HTMLElement {
  const { rule, result, text, comment, failed, counted } = line;
  const here = line.moment === cursor;
  const entry = el(
    "button",
    { type: "button", class: result, "aria-current": here ? "step" : undefined },
    el("span", { class: "rule-number" }, rule),
    el("span", { "aria-hidden": "true" }, resultWords[result]),
    el(
      "span",
      { class: "rule-text" },
      el("span", { class: "sr" }, result === "end" ? "end of the chain: " : `${result}: `),
      failed &&
        el("span", { class: "failed-term" }, el("code", {}, failed.term), ` but the packet has ${failed.packet}`),
      comment !== undefined && failed
        ? el("span", { class: "whole", title: text }, comment)
        : text !== "" && el("code", { class: "whole", title: text }, text),
    ),
    counted !== undefined &&
      el(
        "span",
        { class: "counter", title: `${counted} packets so far` },
        String(counted),
        el("span", { class: "sr" }, " packets so far"),
      ),
  );
  entry.addEventListener("click", () => store.update({ cursor: line.moment, grain: "step", playing: false }));
  return el("li", {}, entry);
}
