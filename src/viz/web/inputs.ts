import { readLinkState } from "../link.ts";
import { type OwnedLine, ownedLines, ownerOfLine } from "../owned-lines.ts";
import type { SharedFile } from "../share.ts";
import { el } from "./dom.ts";
import { type Editor, plainEditor } from "./editor.ts";
import type { Runner } from "./runner.ts";
import { firstSample } from "./first-sample.ts";
import { cards, samples } from "./samples.ts";
import { sendPanel } from "./send.ts";
import type { Opening, Store } from "./store.ts";

/** Rest after the last key before an edit is run, milliseconds. */
const editMillis = 150;
const ownFile = "yours.yaml";

/** What other parts of the page do with the input. */
export interface Inputs {
  /** Opens what an address carries; the first sample where it carries nothing. */
  openLink(fragment: string): Promise<void>;
  openSample(file: string): Promise<void>;
  /** An empty editor, ready for somebody's own text. */
  openEmpty(): void;
  /** Sends something else through the same cluster. */
  send(from: string, run: string): void;
}

/** The left side: a sample or your own YAML, who sends, what is sent, and what is wrong with it. */
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
  const source = el("div", { class: "source" }, area);
  const lineBar = el("div", { class: "line-bar" });
  const open = el("input", { id: "file", type: "file", accept: ".yaml,.yml,.json,application/json", class: "sr" });
  const problems = el("div", { class: "problems", role: "status" });
  let file = firstSample;
  let beside: readonly SharedFile[] = [];
  let probe: { readonly from: string; readonly run: string } | undefined;
  let timer = 0;
  let owned: readonly OwnedLine[] = [];

  const run = (opening: Opening & { readonly flow?: number; readonly seed?: number } = {}): void => {
    clearTimeout(timer);
    if (editor.text.trim() === "") return runner.clear();
    const { seed } = opening;
    const chosen = opening.flow ?? Math.max(0, flow.selectedIndex);
    const request = { file, text: editor.text, beside, flow: chosen };
    runner.run({ ...request, ...(probe && { probe }), ...(seed !== undefined && { seed }) }, opening);
  };
  const events = {
    onEdit: (): void => {
      clearTimeout(timer);
      timer = window.setTimeout(run, editMillis);
    },
    onLine: (line: number): void => {
      const found = ownerOfLine(owned, line, editor.text);
      lineBar.replaceChildren(...(found === undefined ? [] : [lineButton(found, store)]));
    },
  };
  let editor: Editor = plainEditor(area, events);
  const { form: sender, show: showProbe } = sendPanel(store, (from, command) => {
    probe = { from, run: command };
    run();
    scrollTo({ top: 0 });
  });
  root.append(
    el(
      "div",
      { class: "input-column" },
      el("div", { class: "cards" }, ...sampleCards()),
      el(
        "div",
        { class: "rows" },
        el("label", { for: "sample" }, "Example"),
        sample,
        el("label", { for: "flow" }, "Flow"),
        flow,
      ),
      sender,
      el(
        "div",
        { class: "field grow" },
        el(
          "div",
          { class: "source-head" },
          el("span", { class: "label" }, "YAML"),
          el("label", { for: "file", class: "button small" }, "Open file", open),
          el("button", { class: "primary small", form: "send" }, "Run"),
        ),
        source,
        lineBar,
      ),
    ),
    problems,
  );

  /** Takes another input: what was sent through the one before has no meaning here. */
  const take = (name: string, text: string, others: readonly SharedFile[] = []): void => {
    file = name;
    beside = others;
    probe = undefined;
    editor.text = text;
    sample.value = samples.some((one) => one.file === name && others.length === 0) ? name : "";
    flow.replaceChildren();
    lineBar.replaceChildren();
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
    if (known) runner.preset({ file, text, beside, flow: 0 }, known.answer, opening);
    else run(opening);
  };
  const openEmpty = (): void => {
    take(ownFile, "");
    editor.focus();
    run();
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
    probe = state.probe;
    run(state);
  };
  const openFile = async (picked: File | undefined): Promise<void> => {
    if (picked === undefined) return;
    take(picked.name, await picked.text());
    run();
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
    const { loaded, problems: found } = store.state;
    editor = codeEditor(area.value, area.selectionStart, events);
    source.replaceChildren(editor.element);
    editor.problems(found);
    if (loaded) editor.mark(originLine(store, file));
    if (focused) editor.focus();
  };
  for (const name of ["pointerenter", "focusin"]) root.addEventListener(name, () => runner.warmUp());
  source.addEventListener("pointerenter", () => void upgrade());
  area.addEventListener("focus", () => void upgrade());

  sample.addEventListener("change", () => void openSample(sample.value));
  flow.addEventListener("change", () => {
    probe = undefined;
    run();
  });
  open.addEventListener("change", () => void openFile(open.files?.[0]));
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    void openFile(event.dataTransfer?.files[0]);
  });
  store.listen((state, before) => {
    if (state.loaded && state.loaded !== before.loaded) {
      const { flows, trace, course } = state.loaded;
      flow.replaceChildren(...flows.map(({ name }) => el("option", {}, name)));
      flow.selectedIndex = Math.min(state.request?.flow ?? 0, flows.length - 1);
      showProbe(trace.probe.from, trace.probe.run);
      owned = ownedLines(course, file);
    }
    if (state.problems !== before.problems || state.failure !== before.failure) {
      problems.replaceChildren(...problemList(state.problems, state.failure, (line) => editor.goTo(line)));
      editor.problems(state.problems.filter((one) => one.file === file));
    }
    if (state.loaded !== before.loaded || state.cursor !== before.cursor) editor.mark(originLine(store, file));
  });

  const send = (from: string, command: string): void => {
    probe = { from, run: command };
    run();
  };
  return { openLink, openSample, openEmpty, send };
}

function originLine({ state: { loaded, cursor } }: Store, file: string): number | undefined {
  const origin = loaded?.course.moments[cursor]?.step.owner?.origin;
  return origin?.file === file ? origin.line : undefined;
}

function lineButton({ line, moments: [first = 0, ...others] }: OwnedLine, store: Store): HTMLElement {
  const count = others.length + 1;
  const show = el(
    "button",
    { type: "button", class: "link" },
    count === 1 ? `Line ${line} owns 1 step: show` : `Line ${line} owns ${count} steps: show`,
  );
  show.addEventListener("click", () =>
    store.update({ filter: `line:${line}`, cursor: first, playing: false, grain: "step" }),
  );
  return show;
}

function problemList(
  problems: Store["state"]["problems"],
  failure: string | undefined,
  goTo: (line: number) => void,
): Node[] {
  const items = problems.map(({ code, file, line, column, message }) => {
    const link = el("button", { type: "button", class: "link" }, `${file}:${line}:${column}`);
    link.addEventListener("click", () => goTo(line));
    return el("li", {}, link, ` ${message} `, el("code", {}, code));
  });
  const title = items.length === 1 ? "One problem" : `${items.length} problems`;
  const list = items.length === 0 ? [] : [el("h2", {}, title), el("ul", {}, ...items)];
  return failure === undefined ? list : [el("p", { class: "failure" }, failure), ...list];
}
