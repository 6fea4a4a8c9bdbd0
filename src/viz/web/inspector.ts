import { packetAt } from "../../trace/recorder.ts";
import type { Assumption, Choice, Hop, Owner, PacketTrace, StateChange, Step } from "../../trace/records.ts";
import type { Course, Moment } from "../moments.ts";
import { stopPosition } from "../navigate.ts";
import { type LayerRows, diffRows, endsOf, packetRows } from "../packet-rows.ts";
import { icons, toneWords } from "../shapes.ts";
import { stopTone, stopWords } from "../stops.ts";
import { el, icon } from "./dom.ts";
import type { Loaded, State, Store } from "./store.ts";

/** The right side: the sentence, why, the packet in and out, the rule, the state it left behind. */
export function inspectorView(root: HTMLElement, store: Store): void {
  store.listen((state, before) => {
    const { loaded } = state;
    if (!loaded) return;
    if (loaded === before.loaded && state.cursor === before.cursor && state.grain === before.grain) return;
    const moment = loaded.course.moments[state.cursor];
    root.replaceChildren(
      ...(moment ? content(moment, loaded, state, store) : [el("p", {}, "This trace has no steps.")]),
    );
    root.scrollTop = 0;
  });
}

function content(moment: Moment, loaded: Loaded, state: State, store: Store): Node[] {
  return state.grain === "hop" ? stopContent(moment, loaded, store) : stepContent(moment, loaded, store);
}

/** The coarse grain: the whole stop, the packet as it came and as it left, then its steps. */
function stopContent(
  { stop: index, hop, packet, step, index: cursor }: Moment,
  { course }: Loaded,
  store: Store,
): Node[] {
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
    stepList(stop.first, stop.last, course, store),
    ...(hop && packet ? [packetCard(diffRows(hop.packet, packetAt(hop, hop.steps.length)), packet, hop)] : []),
  ];
}

/** The fine grain: one step and all that it knows. */
function stepContent(
  { step, hop, packet, index, tone, stop, stepIndex }: Moment,
  { course, trace }: Loaded,
  store: Store,
): Node[] {
  const assumption = trace.assumptions.find(({ id }) => id === step.assumption);
  const { first, last } = course.stops[stop] ?? { first: index, last: index };
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
    ...(step.owner ? [ownerCard(step.owner)] : []),
    ...(step.choice ? [choiceCard(step.choice)] : []),
    ...(assumption ? [assumptionCard(assumption)] : []),
    ...details(step),
    ...(hop && packet ? [packetCard(packetRows(hop, stepIndex), packet, hop)] : []),
    ...(step.stateChanges && step.stateChanges.length > 0 ? [stateCard(step.stateChanges)] : []),
    el(
      "details",
      { class: "card steps" },
      el("summary", {}, `All ${last - first + 1} steps of this stop`),
      stepList(first, last, course, store, index),
    ),
  ];
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

function packetCard(layers: readonly LayerRows[], packet: PacketTrace, hop: Hop): HTMLElement {
  const changed = layers.some(({ rows }) => rows.some((row) => row.changed));
  const head = el(
    "tr",
    {},
    el("th", { scope: "col" }, "Field"),
    el("th", { scope: "col" }, changed ? "In" : "Value"),
    changed && el("th", { scope: "col" }, "Out"),
  );
  const bodies = layers.map(({ layer, rows }) =>
    el(
      "tbody",
      {},
      el("tr", { class: "layer" }, el("th", { colspan: changed ? 3 : 2, scope: "rowgroup" }, layer)),
      ...rows.map((row) =>
        el(
          "tr",
          { class: row.changed ? "changed" : "" },
          el("th", { scope: "row" }, row.label),
          el("td", {}, row.before),
          changed &&
            el(
              "td",
              { class: row.changed ? "flash" : "" },
              row.after,
              row.changed && el("span", { class: "sr" }, " (changed)"),
            ),
        ),
      ),
    ),
  );
  const cause = packet.causedBy;
  const attempt = packet.attempt > 1 ? `, attempt ${packet.attempt}` : "";
  return section(
    `Packet ${packet.id}${attempt}`,
    cause &&
      el("p", { class: "quiet" }, `${cause.reason}${cause.packet === undefined ? "" : ` of packet ${cause.packet}`}`),
    el("table", { class: "fields" }, el("thead", {}, head), ...bodies),
    hop.packet.inner && el("p", { class: "quiet" }, `Carries ${hop.packet.inner.protocol} ${endsOf(hop.packet.inner)}`),
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
