import { packetAt } from "../../trace/recorder.ts";
import type { Choice, Step } from "../../trace/records.ts";
import type { Course, Moment } from "../moments.ts";
import { type LayerRows, diffRows, packetRows } from "../packet-rows.ts";
import { scheduleWords } from "../state-words.ts";
import { wayEnd } from "../way-end.ts";
import { type WhyRule, type WhyTerm, whyRules } from "../why.ts";
import { el } from "./dom.ts";
import { assumptionCard, ownerCard, section, stateCard, stepList } from "./inspector-cards.ts";
import { fieldTable } from "./inspector-packet.ts";
import type { Loaded, Store } from "./store.ts";

/** Missed rules that are told term by term at once; the others wait behind a fold. */
const rulesInSight = 3;

/** The coarse grain: the steps of the stop, and what changed on the packet. */
export function stopWhy({ stop: index, hop }: Moment, { course }: Loaded, store: Store): Node[] {
  const stop = course.stops[index];
  if (!stop) return [];
  const changed = hop === undefined ? [] : changedRows(diffRows(hop.packet, packetAt(hop, hop.steps.length)));
  return [stepList(stop.first, stop.last, course, store), ...changesCard(changed)];
}

/** The fine grain: one step and all that it knows. */
export function stepWhy(moment: Moment, { course, trace }: Loaded, store: Store): Node[] {
  const { step, hop, index, stop, stepIndex } = moment;
  const assumption = trace.assumptions.find(({ id }) => id === step.assumption);
  const { first, last } = course.stops[stop] ?? { first: index, last: index };
  return [
    ...(step.owner ? [ownerCard(step.owner)] : []),
    ...endCard(course, moment, store),
    ...(step.choice ? [choiceCard(step.choice, store)] : []),
    ...(assumption ? [assumptionCard(assumption)] : []),
    ...ruleCards(step),
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

/** Where a packet got no further: the last device that it reached, and what was looked up last. */
function endCard(course: Course, moment: Moment, store: Store): Node[] {
  const end = wayEnd(course, moment);
  if (end === undefined) return [];
  const { device, namespace, lookup } = end;
  const rows = [
    device !== undefined &&
      el("p", {}, "The last device that it reached is ", el("code", {}, device), ` of ${namespace}.`),
    lookup !== undefined && momentButton(lookup, store),
  ];
  return [section("How far it came", ...rows)];
}

function momentButton({ index, step }: Moment, store: Store): HTMLElement {
  const show = el("button", { type: "button", class: "link sentence-link" }, step.text);
  show.addEventListener("click", () => store.update({ cursor: index, playing: false, grain: "step" }));
  return el("p", {}, "Looked up last: ", show);
}

function changedRows(layers: readonly LayerRows[]): readonly LayerRows[] {
  return layers
    .map((layer) => ({ ...layer, rows: layer.rows.filter(({ changed }) => changed) }))
    .filter(({ rows }) => rows.length > 0);
}

function changesCard(layers: readonly LayerRows[]): Node[] {
  return layers.length === 0 ? [] : [section("Changed on the packet", fieldTable(layers))];
}

/** The odds, or the schedule; another option than the one taken can be asked for. */
function choiceCard(choice: Choice, store: Store): HTMLElement {
  const { options, taken, by, id } = choice;
  const { request, run } = store.state.request && store.run ? { request: store.state.request, run: store.run } : {};
  const rows = options.map(({ label, probability }, index) => {
    const share = probability === undefined ? "" : `${Math.round(probability * 1000) / 10} %`;
    const bar = el("meter", { min: 0, max: 1, value: probability ?? 0, "aria-label": `chance of ${label}` });
    const taking = index === taken;
    const take = el("button", { type: "button", class: "link" }, "what if?");
    take.addEventListener("click", () =>
      run?.(
        { ...(request as NonNullable<typeof request>), pins: { ...request?.pins, [id]: index } },
        { step: store.state.cursor + 1, grain: store.state.grain },
      ),
    );
    return el(
      "li",
      { class: taking ? "taken" : "" },
      el("code", {}, label),
      probability !== undefined && bar,
      share,
      taking && el("em", {}, " taken"),
      !taking && run !== undefined && by === "random" && take,
    );
  });
  const pinned = request?.pins?.[id] !== undefined;
  const words = scheduleWords[by];
  return section(
    pinned ? "You decided" : by === "random" ? "Chance decided" : `Chosen by the schedule ${by}`,
    words !== undefined && el("p", { class: "quiet" }, words),
    el("ul", { class: "options" }, ...rows),
  );
}

/** A rule term by term, and for a miss what it would have taken. */
function ruleCards(step: Step): HTMLElement[] {
  const rules = whyRules(step);
  if (step.kind !== "rule" || rules.length === 0) return [];
  const cards = rules.map((rule) => ruleCard(rule, step.matched, rules.length > 1));
  const title = step.matched ? "The rule that matched" : rules.length === 1 ? "The rule that did not match" : undefined;
  if (title !== undefined) return [section(title, ...cards)];
  const more = cards.slice(rulesInSight);
  return [
    section(
      `${rules.length} rules that did not match`,
      ...cards.slice(0, rulesInSight),
      more.length > 0 && el("details", { class: "more" }, el("summary", {}, `${more.length} more`), ...more),
    ),
  ];
}

function ruleCard({ rule, terms, comment, target, would }: WhyRule, matched: boolean, numbered: boolean): HTMLElement {
  return el(
    "div",
    { class: "why-rule" },
    (numbered || comment !== undefined) &&
      el(
        "p",
        { class: "quiet" },
        [...(numbered ? [`Rule ${rule}`] : []), ...(comment === undefined ? [] : [comment])].join(" · "),
      ),
    el(
      "ul",
      { class: "terms" },
      ...terms.map(termLine),
      matched && target !== undefined && el("li", { class: "follows" }, el("span", {}, "→"), el("code", {}, target)),
    ),
    would !== undefined &&
      el(
        "p",
        { class: "would" },
        ...would.map((part) => (typeof part === "string" ? part : el("code", {}, part.code))),
      ),
  );
}

const marks = { held: "✓", failed: "✗", open: "?", "not told": "" } as const;
const markWords = { held: "holds: ", failed: "fails: ", open: "open: ", "not told": "" } as const;

function termLine({ term, result, packet }: WhyTerm): HTMLElement {
  return el(
    "li",
    { class: `term ${result.replace(" ", "-")}` },
    el("span", { "aria-hidden": "true" }, marks[result]),
    el(
      "span",
      {},
      el("span", { class: "sr" }, markWords[result]),
      el("code", {}, term),
      packet !== undefined && el("span", {}, ` packet has ${packet}`),
    ),
  );
}

/** The raw text behind the sentence: the lookup, the route, the connection. */
function details(step: Step): HTMLElement[] {
  switch (step.kind) {
    case "map": {
      const answer = step.value ?? (step.found ? "found" : "no entry");
      const would = `It would have matched if the map ${step.map} held ${step.key}.`;
      return [
        section(
          "The lookup",
          el("pre", {}, `${step.table} ${step.map}\n${step.key} → ${answer}`),
          !step.found && el("p", { class: "would" }, would),
        ),
      ];
    }
    case "ipset":
      return [
        section(
          "The set",
          el("pre", {}, `${step.element} is ${step.found ? "" : "not "}in ${step.set}`),
          !step.found && el("p", { class: "would" }, `It would have been found if ${step.set} held ${step.element}.`),
        ),
      ];
    case "route":
      return step.route === undefined
        ? [section("Looked up", el("pre", {}, `${step.destination}: no route`))]
        : [section(`The route${step.table === undefined ? "" : `, table ${step.table}`}`, el("pre", {}, step.route))];
    case "conntrack":
      return step.entry === undefined ? [] : [section("The connection", el("pre", {}, step.entry))];
    case "ipvs":
      return step.connection === undefined ? [] : [section("The connection", el("pre", {}, step.connection))];
    case "rule":
      return step.matched && step.packets !== undefined
        ? [
            section(
              "Its counter",
              el("p", {}, `${step.packets} ${step.packets === 1 ? "packet" : "packets"} so far, this one counted.`),
            ),
          ]
        : [];
    default:
      return [];
  }
}
