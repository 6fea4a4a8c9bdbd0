import type { Step } from "../../trace/records.ts";
import type { Moment } from "../moments.ts";
import { stopPosition } from "../navigate.ts";
import { icons, toneWords } from "../shapes.ts";
import { stopTone, stopWords } from "../stops.ts";
import { el, icon } from "./dom.ts";
import { PacketTab } from "./inspector-packet.ts";
import { rulesTab } from "./inspector-rules.ts";
import { stateTab } from "./inspector-state.ts";
import { millis } from "./inspector-cards.ts";
import { stepWhy, stopWhy } from "./inspector-why.ts";
import type { Loaded, State, Store, Tab } from "./store.ts";
import { tabBar } from "./tabs.ts";

const tabs: Readonly<Record<Tab, string>> = { why: "Why", packet: "Packet", rules: "Rules", state: "State" };

/** The right side: the sentence, and behind four tabs why, the packet in and out, the rules, the state. */
export function inspectorView(root: HTMLElement, store: Store): void {
  const packetTab = new PacketTab();
  const head = el("div", { class: "inspector-head" });
  const panel = el("div", { id: "tab-panel", tabindex: 0 });
  const bar = tabBar("Inspector", "tab", tabs, (tab) => store.update({ tab }));
  for (const tab of Object.keys(tabs) as Tab[]) bar.adopt(tab, panel);
  root.append(head, bar.element, panel);
  const panelOf = (moment: Moment, loaded: Loaded, { grain, tab }: State): Node[] => {
    switch (tab) {
      case "why":
        return grain === "hop" ? stopWhy(moment, loaded, store) : stepWhy(moment, loaded, store);
      case "packet":
        return packetTab.show(moment, grain);
      case "rules":
        return rulesTab(moment, loaded, store);
      case "state":
        return stateTab(moment, loaded, grain);
    }
  };
  store.listen((state, before) => {
    const { loaded, tab } = state;
    const shown = (["loaded", "cursor", "grain", "tab"] as const).some((key) => state[key] !== before[key]);
    if (!loaded || !shown) return;
    bar.select(tab);
    const moment = loaded.course.moments[state.cursor];
    if (!moment) return head.replaceChildren(el("p", {}, "This trace has no steps."));
    head.replaceChildren(...(state.grain === "hop" ? stopHead(moment, loaded) : stepHead(moment, loaded)));
    panel.replaceChildren(...panelOf(moment, loaded, state));
    root.scrollTop = 0;
    panel.querySelector(".rule-lines [aria-current]")?.scrollIntoView({ block: "nearest" });
  });
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
