import type { Assumption, Owner, StateChange } from "../../trace/records.ts";
import type { Course } from "../moments.ts";
import { icons } from "../shapes.ts";
import { tableWords } from "../state-words.ts";
import { el, icon } from "./dom.ts";
import type { Store } from "./store.ts";

export function millis(nanos: number): string {
  return `${(nanos / 1e6).toFixed(3)} ms`;
}

export function section(title: string, ...children: (Node | string | undefined | false)[]): HTMLElement {
  return el("section", { class: "card" }, el("h3", {}, title), ...children);
}

export function ownerCard({ kind, namespace, name, detail, origin }: Owner): HTMLElement {
  const full = namespace === undefined ? name : `${namespace}/${name}`;
  return section(
    "Because of",
    el(
      "p",
      { class: "owner" },
      el("span", { class: "chip" }, kind),
      el("strong", {}, full),
      detail !== undefined && ` ${detail}`,
    ),
    origin && el("p", { class: "quiet" }, `${origin.file}:${origin.line}`),
  );
}

export function assumptionCard({ text, override }: Assumption): HTMLElement {
  const how = override === undefined ? undefined : el("p", { class: "quiet" }, `State it with ${override}.`);
  return section("Assumed, because the input does not say", el("p", {}, text), how);
}

export function stateCard(changes: readonly StateChange[]): HTMLElement {
  const rows = changes.map(({ table, action, key, before, after }) =>
    el(
      "li",
      {},
      el("span", { class: "chip cylinder" }, `${tableWords[table]}: ${action}`),
      el("code", {}, key),
      before !== undefined && el("pre", { class: "gone" }, before),
      after !== undefined && el("pre", {}, after),
    ),
  );
  return section("State left behind", el("ul", { class: "states" }, ...rows));
}

/** The steps of a stop, one click away. */
export function stepList(first: number, last: number, course: Course, store: Store, current?: number): HTMLElement {
  const items = course.moments.slice(first, last + 1).map(({ index, tone, step }) => {
    const marks = { "data-tone": tone, "aria-current": index === current ? "step" : undefined };
    const entry = el("button", { type: "button", ...marks }, icon(icons[tone]), el("span", {}, step.text));
    entry.addEventListener("click", () => store.update({ cursor: index, playing: false, grain: "step" }));
    return el("li", {}, entry);
  });
  return el("ol", { class: "steps" }, ...items);
}
