import { readLinkState } from "../link.ts";
import { type OwnedLine, ownedLines, ownerOfLine } from "../owned-lines.ts";
import { el } from "./dom.ts";
import { plainEditor } from "./editor.ts";
import { firstSample } from "./first-sample.ts";
import { dumpsPanel } from "./inputs-dumps.ts";
import { scenarioPanel } from "./inputs-scenario.ts";
import { problemList } from "./problems.ts";
import type { Runner } from "./runner.ts";
import { cards, samples } from "./samples.ts";
import { sendPanel } from "./send.ts";
import { Source } from "./source.ts";
import type { Opening, Side, Store } from "./store.ts";
import { tabBar } from "./tabs.ts";

const ownFile = "yours.yaml";

/** What other parts of the page do with the input. */
export interface Inputs {
  /** Opens what an address carries; the first sample where it carries nothing. */
  openLink(fragment: string): Promise<void>;
  openSample(file: string): Promise<void>;
  /** An empty editor, ready for somebody's own text. */
  openEmpty(): void;
  /** Draws also what a trace-only answer left out. */
  showWhole(): void;
}

/** The left side: who sends what; the manifests, the scenario as a form, what the nodes hold; and what is wrong with it. */
export function inputsView(root: HTMLElement, store: Store, runner: Runner): Inputs {
  const sample = el(
    "select",
    { id: "sample" },
    el("option", { value: "" }, "your own"),
    ...samples.map(({ file, label }) => el("option", { value: file }, label)),
  );
  const flow = el("select", { id: "flow" });
  const area = el("textarea", {
    id: "yaml",
    "aria-label": "Scenario and manifests",
    spellcheck: "false",
    autocapitalize: "off",
    wrap: "off",
    placeholder: "Paste a scenario, manifests, or what\nkubectl get … -A -o yaml\nprints. It stays on this machine.",
  });
  const editing = el("div", { class: "source" }, area);
  const lineBar = el("div", { class: "line-bar" });
  const open = el("input", { id: "file", type: "file", accept: ".yaml,.yml,.json,application/json", class: "sr" });
  const problems = el("div", { class: "problems", role: "status" });
  let owned: readonly OwnedLine[] = [];
  const events = {
    onEdit: (): void => source.edited(),
    onLine: (line: number): void => {
      const found = ownerOfLine(owned, line, source.editor.text);
      lineBar.replaceChildren(...(found === undefined ? [] : [lineButton(found, store)]));
    },
  };
  const source = new Source(store, runner, plainEditor(area, events), flow, firstSample);
  const { form: sender, show: showProbe } = sendPanel(store, (from, command) => {
    source.send(from, command);
    scrollTo({ top: 0 });
  });
  const panels: Readonly<Record<Side, HTMLElement>> = {
    manifests: el("div", { class: "side manifests" }),
    scenario: el("div", { class: "side scenario" }),
    dumps: el("div", { class: "side dumps" }),
  };
  const bar = tabBar("Input", "side", { manifests: "Manifests", scenario: "Scenario", dumps: "Dumps" }, (side) =>
    store.update({ side }),
  );
  for (const [side, panel] of Object.entries(panels)) bar.adopt(side as Side, panel);
  panels.manifests.append(
    el("div", { class: "cards" }, ...sampleCards()),
    el("div", { class: "rows" }, el("label", { for: "sample" }, "Example"), sample),
    el(
      "div",
      { class: "field grow" },
      el(
        "div",
        { class: "source-head" },
        el("span", { class: "label" }, "YAML"),
        el("label", { for: "file", class: "button small" }, "Open file", open),
      ),
      editing,
      lineBar,
    ),
  );
  scenarioPanel(panels.scenario, flow, store, source);
  dumpsPanel(panels.dumps, store, runner);
  root.append(el("div", { class: "input-column" }, sender, bar.element, ...Object.values(panels)), problems);
  bar.select("manifests");

  const take: Source["take"] = (name, text, others = []) => {
    source.take(name, text, others);
    showProbe("", "");
    sample.value = samples.some((one) => one.file === name && others.length === 0) ? name : "";
    lineBar.replaceChildren();
    noteLength();
  };
  /** Says of a text that is too long for the editor what it is. */
  const noteLength = (): void => {
    const { hiddenLength } = source;
    editing.classList.toggle("hidden-text", hiddenLength !== undefined);
    if (hiddenLength === undefined) return;
    const size = (hiddenLength / 1e6).toFixed(1);
    lineBar.replaceChildren(el("p", {}, `${source.file} is read, and with ${size} MB too long to be edited here.`));
  };
  const openSample = async (name: string, opening: Opening = {}): Promise<void> => {
    const chosen = samples.find((one) => one.file === name);
    if (chosen === undefined) return openEmpty();
    sample.value = name;
    const text = await (await fetch(chosen.url)).text();
    // Somebody who chooses faster than the files come gets the last choice.
    if (sample.value !== name) return;
    take(name, text);
    const known =
      name === firstSample && store.state.loaded === undefined ? await import("virtual:first-trace") : undefined;
    if (known) runner.preset({ file: name, text, beside: [], flow: 0 }, known.answer, opening);
    else source.run(opening);
  };
  const openEmpty = (): void => {
    take(ownFile, "");
    store.update({ side: "manifests" });
    source.editor.focus();
    source.run();
  };
  const openLink = async (fragment: string): Promise<void> => {
    if (!/[#&]s=/.test(fragment)) return openSample(firstSample);
    const shared = await (await import("../share.ts")).unpackFragment(fragment);
    const [first, ...others] = shared?.files ?? [];
    if (first === undefined) {
      return openSample(firstSample, {
        note: "This link is damaged: nothing could be read from it. Here is an example instead.",
      });
    }
    const state = readLinkState(fragment);
    if (state.theme) document.documentElement.dataset["theme"] = state.theme;
    take(first.name, first.text, others);
    source.probe = state.probe;
    source.run(state);
  };
  const openFile = async (picked: File | undefined): Promise<void> => {
    if (picked === undefined) return;
    take(picked.name, await picked.text());
    store.update({ side: "manifests" });
    source.run();
  };

  function sampleCards(): HTMLElement[] {
    const card = (label: string, about: string, go: () => void): HTMLElement => {
      const button = el("button", { type: "button", class: "sample-card", title: about }, label);
      button.addEventListener("click", go);
      return button;
    };
    return [
      ...cards.map(({ file: name, label, about }) => card(label, about, () => void openSample(name))),
      card("Paste your YAML", "Start from an empty page.", () => openEmpty()),
    ];
  }

  /** CodeMirror comes when somebody turns to the text; until then, and without it, the text area does. */
  let asked = false;
  const upgrade = async (): Promise<void> => {
    if (asked || matchMedia("(max-width: 719px)").matches) return;
    asked = true;
    const { codeEditor } = await import("./code-editor.ts");
    const focused = document.activeElement === area;
    const { loaded, problems: known } = store.state;
    source.editor = codeEditor(area.value, area.selectionStart, events);
    editing.replaceChildren(source.editor.element);
    source.editor.problems(known.length > 0 ? known : (loaded?.warnings ?? []));
    if (loaded) source.editor.mark(originLine(store, source.file));
    if (focused) source.editor.focus();
  };
  for (const name of ["pointerenter", "focusin"]) root.addEventListener(name, () => runner.warmUp());
  editing.addEventListener("pointerenter", () => void upgrade());
  area.addEventListener("focus", () => void upgrade());

  sample.addEventListener("change", () => void openSample(sample.value));
  flow.addEventListener("change", () => source.runFlow());
  open.addEventListener("change", () => void openFile(open.files?.[0]));
  dropZone((file) => void openFile(file));
  store.listen((state, before) => {
    if (state.side !== before.side) bar.select(state.side);
    if (state.loaded && state.loaded !== before.loaded) {
      const { flows, trace, course } = state.loaded;
      flow.replaceChildren(...flows.map(({ name }) => el("option", {}, name)));
      flow.selectedIndex = Math.min(state.request?.flow ?? 0, flows.length - 1);
      showProbe(trace.probe.from, trace.probe.run);
      owned = ownedLines(course, source.file);
    }
    const found = (["problems", "failure", "loaded"] as const).some((key) => state[key] !== before[key]);
    if (found) {
      const goTo = (line: number): void => {
        store.update({ side: "manifests" });
        source.editor.goTo(line);
      };
      problems.replaceChildren(...problemList(state, goTo));
      const marked = state.problems.length > 0 ? state.problems : (state.loaded?.warnings ?? []);
      source.editor.problems(marked.filter((one) => one.file === source.file));
    }
    if (state.loaded !== before.loaded || state.cursor !== before.cursor)
      source.editor.mark(originLine(store, source.file));
  });
  return { openLink, openSample, openEmpty, showWhole: () => source.run({ whole: true }) };
}

/** A file dropped anywhere on the page; while one hangs over it, the page says what would happen. */
function dropZone(take: (file: File | undefined) => void): void {
  const { classList } = document.body;
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    classList.toggle("dropping", event.dataTransfer?.types.includes("Files") === true);
  });
  document.addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) classList.remove("dropping");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    classList.remove("dropping");
    take(event.dataTransfer?.files[0]);
  });
}

function originLine({ state: { loaded, cursor } }: Store, file: string): number | undefined {
  const origin = loaded?.course.moments[cursor]?.step.owner?.origin;
  return origin?.file === file ? origin.line : undefined;
}

function lineButton({ line, moments: [first = 0, ...others], rules }: OwnedLine, store: Store): HTMLElement {
  const count = others.length + 1;
  const steps = count === 1 ? "1 step" : `${count} steps`;
  const owns = rules === 0 ? steps : `${rules === 1 ? "1 rule" : `${rules} rules`} in ${steps}`;
  const show = el("button", { type: "button", class: "link" }, `Line ${line} owns ${owns}: show`);
  show.addEventListener("click", () =>
    store.update({ filter: `line:${line}`, cursor: first, playing: false, grain: "step" }),
  );
  return show;
}
