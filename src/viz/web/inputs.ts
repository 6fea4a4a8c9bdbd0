import { el } from "./dom.ts";
import type { Runner } from "./runner.ts";
import { type Sample, firstSample, samples } from "./samples.ts";
import type { State, Store } from "./store.ts";

/** Rest after the last key before an edit is run, milliseconds. */
const editMillis = 150;

/** The left side: a sample or your own YAML, who sends, what is sent, and what is wrong with it. */
export function inputsView(root: HTMLElement, store: Store, runner: Runner): void {
  const sample = el(
    "select",
    { id: "sample" },
    ...samples.map(({ file, label }) => el("option", { value: file }, label)),
  );
  const flow = el("select", { id: "flow" });
  const from = el("input", { id: "from", autocomplete: "off", spellcheck: "false" });
  const command = el("input", { id: "command", autocomplete: "off", spellcheck: "false" });
  const yaml = el("textarea", { id: "yaml", spellcheck: "false", autocapitalize: "off", wrap: "off" });
  const open = el("input", { id: "file", type: "file", accept: ".yaml,.yml,.json,application/json", class: "sr" });
  const form = el(
    "form",
    {},
    field("Example", sample),
    field("Flow", flow),
    el("div", { class: "pair" }, field("From", from), field("Run", command)),
    el("div", { class: "field grow" }, el("label", { for: "yaml" }, "Scenario and manifests"), yaml),
    el(
      "div",
      { class: "actions" },
      el("button", { class: "primary" }, "Run"),
      el("label", { for: "file", class: "button" }, "Open file", open),
    ),
  );
  const problems = el("div", { class: "problems", role: "status" });
  root.append(form, problems);
  let file = firstSample;
  let own = false;
  let timer = 0;

  const run = (): void => {
    clearTimeout(timer);
    runner.run({
      file,
      text: yaml.value,
      flow: Math.max(0, flow.selectedIndex),
      ...(own && { probe: { from: from.value, run: command.value } }),
    });
  };
  const take = (name: string, text: string): void => {
    file = name;
    yaml.value = text;
    flow.replaceChildren();
    own = false;
    run();
  };
  const choose = async ({ file: name, url }: Sample): Promise<void> => {
    const text = await (await fetch(url)).text();
    // Somebody who chooses faster than the files come gets the last choice.
    if (sample.value === name) take(name, text);
  };
  sample.addEventListener("change", () => {
    const chosen = samples.find((one) => one.file === sample.value);
    if (chosen) void choose(chosen);
  });
  flow.addEventListener("change", () => {
    own = false;
    run();
  });
  for (const input of [from, command]) {
    input.addEventListener("input", () => {
      own = true;
    });
  }
  yaml.addEventListener("input", () => {
    clearTimeout(timer);
    timer = window.setTimeout(run, editMillis);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    run();
    scrollTo({ top: 0 });
  });
  open.addEventListener("change", () => {
    const [picked] = open.files ?? [];
    if (picked) void picked.text().then((text) => take(picked.name, text));
  });
  root.addEventListener("dragover", (event) => event.preventDefault());
  root.addEventListener("drop", (event) => {
    event.preventDefault();
    const dropped = event.dataTransfer?.files[0];
    if (dropped) void dropped.text().then((text) => take(dropped.name, text));
  });
  store.listen((state, before) => {
    if (state.loaded && state.loaded !== before.loaded) {
      const { flows, trace } = state.loaded;
      const selected = Math.max(0, flow.selectedIndex);
      flow.replaceChildren(...flows.map(({ name }) => el("option", {}, name)));
      flow.selectedIndex = Math.min(selected, flows.length - 1);
      from.value = trace.probe.from;
      command.value = trace.probe.run;
    }
    if (state.problems !== before.problems || state.failure !== before.failure)
      problems.replaceChildren(...problemList(state, yaml));
  });

  const first = samples.find((one) => one.file === firstSample);
  sample.value = firstSample;
  if (first) void choose(first);
  else run();
}

function field(label: string, control: HTMLElement): HTMLElement {
  return el("div", { class: "field" }, el("label", { for: control.id }, label), control);
}

function problemList({ problems, failure }: State, yaml: HTMLTextAreaElement): Node[] {
  const items = problems.map(({ code, file, line, column, message }) => {
    const link = el("button", { type: "button", class: "link" }, `${file}:${line}:${column}`);
    link.addEventListener("click", () => goTo(yaml, line));
    return el("li", {}, link, ` ${message} `, el("code", {}, code));
  });
  const list =
    items.length === 0
      ? []
      : [el("h3", {}, items.length === 1 ? "One problem" : `${items.length} problems`), el("ul", {}, ...items)];
  return failure === undefined ? list : [el("p", { class: "failure" }, failure), ...list];
}

/** Selects a line of the text and brings it into sight. */
function goTo(yaml: HTMLTextAreaElement, line: number): void {
  const lines = yaml.value.split("\n");
  const start = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
  yaml.focus();
  yaml.setSelectionRange(start, start + (lines[line - 1]?.length ?? 0));
  yaml.scrollTop = (line - 3) * (yaml.scrollHeight / lines.length);
}
