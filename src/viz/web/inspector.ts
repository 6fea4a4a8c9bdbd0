import { packetAt } from "../../trace/recorder.ts";
import type { Assumption, Choice, Owner, StateChange, Step } from "../../trace/records.ts";
import { type ChainLine, chainVisits } from "../chain-view.ts";
import type { Course, Moment } from "../moments.ts";
import { stopPosition } from "../navigate.ts";
import { type LayerRows, diffRows, packetRows } from "../packet-rows.ts";
import { icons, toneWords } from "../shapes.ts";
import { stateAt } from "../state-at.ts";
import { stopTone, stopWords } from "../stops.ts";
import { el, icon } from "./dom.ts";
import { fieldTable, packetTab } from "./inspector-packet.ts";
import type { Loaded, State, Store, Tab } from "./store.ts";

const tabs: Readonly<Record<Tab, string>> = { why: "Why", packet: "Packet", rules: "Rules", state: "State" };

/** The right side: the sentence, and behind four tabs why, the packet in and out, the rules, the state. */
export function inspectorView(root: HTMLElement, store: Store): void {
  const head = el("div", { class: "inspector-head" });
  const panel = el("div", { role: "tabpanel", id: "tab-panel", tabindex: 0 });
  const handles = (Object.keys(tabs) as Tab[]).map((tab) => {
    const handle = el(
      "button",
      { type: "button", role: "tab", id: `tab-${tab}`, "aria-controls": panel.id },
      tabs[tab],
    );
    handle.addEventListener("click", () => store.update({ tab }));
    return handle;
  });
  const bar = el("div", { role: "tablist", class: "tabs", "aria-label": "Inspector" }, ...handles);
  bar.addEventListener("keydown", (event) => {
    const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (by === 0) return;
    event.preventDefault();
    event.stopPropagation();
    const all = Object.keys(tabs) as Tab[];
    const next = all[(all.indexOf(store.state.tab) + by + all.length) % all.length] ?? "why";
    store.update({ tab: next });
    document.getElementById(`tab-${next}`)?.focus();
  });
  root.append(head, bar, panel);
  store.listen((state, before) => {
    const { loaded, tab } = state;
    const shown = (["loaded", "cursor", "grain", "tab"] as const).some((key) => state[key] !== before[key]);
    if (!loaded || !shown) return;
    for (const handle of handles) {
      const chosen = handle.id === `tab-${tab}`;
      handle.setAttribute("aria-selected", String(chosen));
      handle.tabIndex = chosen ? 0 : -1;
    }
    panel.setAttribute("aria-labelledby", `tab-${tab}`);
    const moment = loaded.course.moments[state.cursor];
    if (!moment) return head.replaceChildren(el("p", {}, "This trace has no steps."));
    head.replaceChildren(...(state.grain === "hop" ? stopHead(moment, loaded) : stepHead(moment, loaded)));
    panel.replaceChildren(...panelOf(moment, loaded, state, store));
    root.scrollTop = 0;
    panel.querySelector(".rule-lines [aria-current]")?.scrollIntoView({ block: "nearest" });
  });
}

function panelOf(moment: Moment, loaded: Loaded, { grain, tab }: State, store: Store): Node[] {
  switch (tab) {
    case "why":
      return grain === "hop" ? stopWhy(moment, loaded, store) : stepWhy(moment, loaded, store);
    case "packet":
      return packetTab(moment, grain);
    case "rules":
      return rulesTab(moment, loaded, store);
    case "state":
      return stateTab(moment, loaded);
  }
}

function stopHead({ stop: index, step, index: cursor }: Moment, { course }: Loaded): Node[] {
  const stop = course.stops[index];
  if (!stop) return [];
  const tone = stopTone(course, stop);
  const { at, of } = stopPosition(course, cursor);
  const { ends, story } = stopWords(course, stop);
  return [
    el("p", { class: "kicker" }, `Stop ${at} of ${of} · ${step.namespace}`),
    el("h2", { class: "sentence" }, story),
    el(
      "p",
      { class: "tone", "data-tone": tone },
      icon(icons[tone]),
      el("span", {}, toneWords[tone]),
      ends !== undefined && el("code", { class: "ends" }, ends),
    ),
  ];
}

function stepHead({ step, index, tone }: Moment, { course }: Loaded): Node[] {
  return [
    el("p", { class: "kicker" }, `Step ${index + 1} of ${course.moments.length} · ${placeWords(step)}`),
    el("h2", { class: "sentence" }, step.text),
    el(
      "p",
      { class: "tone", "data-tone": tone },
      icon(icons[tone]),
      toneWords[tone],
      el("span", { class: "quiet" }, `at ${millis(step.timeNanos)}`),
    ),
  ];
}

/** The coarse grain: the steps of the stop, and what changed on the packet. */
function stopWhy({ stop: index, hop }: Moment, { course }: Loaded, store: Store): Node[] {
  const stop = course.stops[index];
  if (!stop) return [];
  const changed = hop === undefined ? [] : changedRows(diffRows(hop.packet, packetAt(hop, hop.steps.length)));
  return [stepList(stop.first, stop.last, course, store), ...changesCard(changed)];
}

/** The fine grain: one step and all that it knows. */
function stepWhy({ step, hop, index, stop, stepIndex }: Moment, { course, trace }: Loaded, store: Store): Node[] {
  const assumption = trace.assumptions.find(({ id }) => id === step.assumption);
  const { first, last } = course.stops[stop] ?? { first: index, last: index };
  return [
    ...(step.owner ? [ownerCard(step.owner)] : []),
    ...(step.choice ? [choiceCard(step.choice)] : []),
    ...(assumption ? [assumptionCard(assumption)] : []),
    ...details(step),
    ...changesCard(hop === undefined ? [] : changedRows(packetRows(hop, stepIndex))),
    ...(step.stateChanges && step.stateChanges.length > 0 ? [stateCard(step.stateChanges)] : []),
    el(
      "details",
      { class: "card steps", open: true },
      el("summary", {}, `All ${last - first + 1} steps of this stop`),
      stepList(first, last, course, store, index),
    ),
  ];
}

function changedRows(layers: readonly LayerRows[]): readonly LayerRows[] {
  return layers
    .map(({ layer, rows }) => ({ layer, rows: rows.filter(({ changed }) => changed) }))
    .filter(({ rows }) => rows.length > 0);
}

function changesCard(layers: readonly LayerRows[]): Node[] {
  return layers.length === 0 ? [] : [section("Changed on the packet", fieldTable(layers))];
}

function placeWords(step: Step): string {
  switch (step.kind) {
    case "rule":
    case "chain":
    case "map":
      return `${step.table} ${step.hook}, chain ${step.chain}`;
    case "hook":
      return `checkpoint ${step.hook}`;
    default:
      return `${step.kind} in ${step.namespace}`;
  }
}

function millis(nanos: number): string {
  return `${(nanos / 1e6).toFixed(3)} ms`;
}

function section(title: string, ...children: (Node | string | undefined | false)[]): HTMLElement {
  return el("section", { class: "card" }, el("h3", {}, title), ...children);
}

function ownerCard({ kind, namespace, name, detail, origin }: Owner): HTMLElement {
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

function assumptionCard({ text, override }: Assumption): HTMLElement {
  const how = override === undefined ? undefined : el("p", { class: "quiet" }, `State it with ${override}.`);
  return section("Assumed, because the input does not say", el("p", {}, text), how);
}

function choiceCard({ options, taken, by }: Choice): HTMLElement {
  const rows = options.map(({ label, probability }, index) => {
    const share = probability === undefined ? "" : `${Math.round(probability * 1000) / 10} %`;
    const bar = el("meter", { min: 0, max: 1, value: probability ?? 0, "aria-label": `chance of ${label}` });
    const taking = index === taken;
    return el(
      "li",
      { class: taking ? "taken" : "" },
      el("code", {}, label),
      probability !== undefined && bar,
      share,
      taking && el("em", {}, " taken"),
    );
  });
  return section(by === "random" ? "Chance decided" : `Chosen by ${by}`, el("ul", { class: "options" }, ...rows));
}

/** The raw text behind the sentence: the rule, the route, the connection. */
function details(step: Step): HTMLElement[] {
  switch (step.kind) {
    case "rule": {
      const text =
        step.rules === undefined
          ? []
          : [
              section(
                step.matched ? "The rule that matched" : "The rule that did not match",
                el("pre", {}, step.rules),
              ),
            ];
      const failed = (step.failed ?? []).map(({ rule, term, packet }) =>
        el("li", {}, `rule ${rule}: `, el("code", {}, `✗ ${term}`), ` the packet has ${packet}`),
      );
      return failed.length === 0 ? text : [...text, section("What failed", el("ul", { class: "failed" }, ...failed))];
    }
    case "map":
      return [
        section(
          "The lookup",
          el(
            "pre",
            {},
            `${step.table} ${step.map}\n${step.key} → ${step.value ?? (step.found ? "found" : "no entry")}`,
          ),
        ),
      ];
    case "route":
      return step.route === undefined
        ? []
        : [section(`The route${step.table === undefined ? "" : `, table ${step.table}`}`, el("pre", {}, step.route))];
    case "conntrack":
      return step.entry === undefined ? [] : [section("The connection", el("pre", {}, step.entry))];
    case "ipvs":
      return step.connection === undefined ? [] : [section("The connection", el("pre", {}, step.connection))];
    default:
      return [];
  }
}

/** The chains of this stop as the packet went through them, with the cursor and, for a miss, the term that failed. */
function rulesTab(moment: Moment, { course }: Loaded, store: Store): Node[] {
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
  const { rule, result, text, failed, counted } = line;
  const here = line.moment === cursor;
  const entry = el(
    "button",
    { type: "button", class: result, "aria-current": here ? "step" : undefined },
    el("span", { class: "rule-number" }, rule),
    el("span", { "aria-hidden": "true" }, resultWords[result]),
    el(
      "span",
      {},
      el("span", { class: "sr" }, result === "end" ? "end of the chain: " : `${result}: `),
      text !== "" && el("code", {}, text),
      failed &&
        el("span", { class: "failed-term" }, el("code", {}, failed.term), ` but the packet has ${failed.packet}`),
      counted !== undefined && el("span", { class: "quiet" }, ` ${counted} packets so far`),
    ),
  );
  entry.addEventListener("click", () => store.update({ cursor: line.moment, grain: "step", playing: false }));
  return el("li", {}, entry);
}

/** What the namespaces hold after this step, as far as the trace tells; this one first. */
function stateTab({ index, step }: Moment, { course }: Loaded): Node[] {
  const all = stateAt(course, index);
  if (all.length === 0) return [el("p", { class: "quiet nothing" }, "Nothing has been noted or looked up yet.")];
  return all.map(({ namespace, tables }) =>
    el(
      "details",
      { class: "card", open: namespace === step.namespace },
      el("summary", {}, namespace),
      ...tables.map(({ table, entries }) =>
        el(
          "div",
          {},
          el("span", { class: "chip cylinder" }, table),
          el(
            "ul",
            { class: "states" },
            ...entries.map(({ key, text, change }) =>
              el(
                "li",
                { class: change ?? "" },
                change && el("em", {}, `${change === "add" ? "new" : change === "update" ? "changed" : "gone"} `),
                el("code", {}, text === "" || text.includes(key) ? text || key : `${key} → ${text}`),
              ),
            ),
          ),
        ),
      ),
    ),
  );
}

function stateCard(changes: readonly StateChange[]): HTMLElement {
  const rows = changes.map(({ table, action, key, before, after }) =>
    el(
      "li",
      {},
      el("span", { class: "chip cylinder" }, `${table}: ${action}`),
      el("code", {}, key),
      before !== undefined && el("pre", { class: "gone" }, before),
      after !== undefined && el("pre", {}, after),
    ),
  );
  return section("State left behind", el("ul", { class: "states" }, ...rows));
}

/** The steps of a stop, one click away. */
function stepList(first: number, last: number, course: Course, store: Store, current?: number): HTMLElement {
  const items = course.moments.slice(first, last + 1).map(({ index, tone, step }) => {
    const marks = { "data-tone": tone, "aria-current": index === current ? "step" : undefined };
    const entry = el("button", { type: "button", ...marks }, icon(icons[tone]), el("span", {}, step.text));
    entry.addEventListener("click", () => store.update({ cursor: index, playing: false, grain: "step" }));
    return el("li", {}, entry);
  });
  return el("ol", { class: "steps" }, ...items);
}
