import type { Assumption } from "../../trace/records.ts";
import type { SettingValue } from "../../scenario/edit.ts";
import { el } from "./dom.ts";
import type { SettingField } from "./protocol.ts";
import type { Source } from "./source.ts";
import type { Loaded, Store } from "./store.ts";

/** The scenario as a form: which flow, the settings of the cluster, who listens where, and what else was assumed. */
export function scenarioPanel(root: HTMLElement, flow: HTMLSelectElement, store: Store, source: Source): void {
  const changes = el("div", { class: "changes", role: "status" });
  const settings = el("div", { class: "settings" });
  const listens = el("div", { class: "listens" });
  const rest = el("div", { class: "assumed" });
  const wrong = el("p", { class: "wrong", role: "alert" });
  root.append(
    el("div", { class: "rows" }, el("label", { for: "flow" }, "Flow"), flow),
    changes,
    wrong,
    el("h2", {}, "The cluster"),
    settings,
    el("h2", {}, "Who listens where"),
    listens,
    rest,
  );
  const set = async (
    path: readonly [string, string],
    value: SettingValue | undefined,
    label: string,
    before: SettingValue | undefined,
  ): Promise<void> => {
    wrong.textContent = (await source.set(path, value, { label, before })) ?? "";
  };
  store.listen(({ loaded }, before) => {
    if (!loaded || loaded === before.loaded) return;
    changes.replaceChildren(...changeBar(source));
    const focused = document.activeElement?.id;
    settings.replaceChildren(
      ...loaded.settings.map((field) =>
        settingRow(
          field,
          loaded,
          store,
          (value) => void set(["cluster", field.key], value, field.label, field.stated ? field.value : undefined),
        ),
      ),
    );
    listens.replaceChildren(...listenRows(loaded, set));
    rest.replaceChildren(...otherAssumptions(loaded, store));
    // A form that is drawn anew must not lose whoever is in it.
    if (focused !== undefined && focused !== "" && root.querySelector(`#${CSS.escape(focused)}`))
      document.getElementById(focused)?.focus();
  });
}

function changeBar(source: Source): Node[] {
  const last = source.changes.at(-1);
  if (last === undefined) return [];
  const undo = el("button", { type: "button", class: "small" }, "Undo");
  undo.addEventListener("click", () => void source.undo());
  const was = last.before === undefined ? "; before, it was assumed" : ` from ${textOf(last.before)}`;
  return [el("span", {}, `${last.label} changed${was}. It stands in the manifests now.`), undo];
}

function settingRow(
  field: SettingField,
  { trace, course }: Loaded,
  store: Store,
  set: (value: SettingValue) => void,
): HTMLElement {
  const { key, label, value, stated, assumption } = field;
  const id = `set-${key}`;
  const control = controlFor(field, id);
  control.addEventListener("change", () => {
    const next = read(control, value);
    if (next !== undefined && textOf(next) !== textOf(value)) set(next);
  });
  const assumed = trace.assumptions.find((one) => one.id === assumption);
  const used = assumed && course.moments.find(({ step }) => step.assumption === assumed.id);
  const state = key === "seed" || stated ? "stated" : "assumed";
  return el(
    "div",
    { class: "setting" },
    el("label", { for: id }, label),
    control,
    used ? seeWhere(used.index, state, store) : el("span", { class: "quiet state" }, state),
  );
}

function controlFor({ value, options }: SettingField, id: string): HTMLInputElement | HTMLSelectElement {
  if (typeof value === "boolean") return el("input", { id, type: "checkbox", checked: value });
  if (options === undefined) {
    const type = typeof value === "number" ? "number" : "text";
    return el("input", {
      id,
      type,
      value: textOf(value),
      autocomplete: "off",
      spellcheck: "false",
      ...(type === "number" && { min: 0 }),
    });
  }
  const select = el("select", { id }, ...options.map((one) => el("option", {}, one)));
  select.value = String(value);
  return select;
}

/** The value of a control, of the kind that the setting has; undefined while it is none. */
function read(control: HTMLInputElement | HTMLSelectElement, before: SettingValue): SettingValue | undefined {
  if (typeof before === "boolean") return control instanceof HTMLInputElement && control.checked;
  const text = control.value.trim();
  if (text === "") return undefined;
  if (typeof before === "number") return Number.isInteger(Number(text)) ? Number(text) : undefined;
  return typeof before === "string" ? text : words(text);
}

function words(text: string): readonly string[] {
  return text.split(/[\s,]+/).filter((word) => word !== "");
}

function textOf(value: SettingValue): string {
  return Array.isArray(value) ? value.join(", ") : String(value);
}

function seeWhere(index: number, label: string, store: Store): HTMLElement {
  const show = el("button", { type: "button", class: "link", title: "Show a step that needed it" }, label);
  show.addEventListener("click", () => store.update({ cursor: index, grain: "step", tab: "why", playing: false }));
  return show;
}

/** Statements of the scenario, and a row to make one more. */
function listenRows(
  { listens, inventory }: Loaded,
  set: (
    path: readonly [string, string],
    value: SettingValue | undefined,
    label: string,
    before: SettingValue | undefined,
  ) => void,
): Node[] {
  const rows = Object.entries(listens).map(([who, ports]) => {
    const input = el("input", { value: ports, "aria-label": `Ports of ${who}`, id: `listens-${who}` });
    input.addEventListener("change", () => set(["listens", who], portsOf(input.value), who, portsOf(ports)));
    const drop = el("button", { type: "button", class: "small", "aria-label": `Say nothing of ${who}` }, "✕");
    drop.addEventListener("click", () => set(["listens", who], undefined, who, portsOf(ports)));
    return el("div", { class: "listen" }, el("code", {}, who), input, drop);
  });
  const who = el("input", {
    id: "listen-who",
    list: "senders",
    placeholder: "shop/pod/web-0",
    "aria-label": "Who listens",
  });
  const ports = el("input", { id: "listen-ports", placeholder: "8080, 53/udp", "aria-label": "Ports" });
  const add = el("button", { type: "button", class: "small" }, "Add");
  add.addEventListener("click", () => {
    const name = who.value.trim();
    if (name !== "") set(["listens", name], portsOf(ports.value), `What ${name} listens on`, undefined);
  });
  const some = inventory.pods.find(({ name, port }) => port !== undefined && !name.startsWith("kube-system/"));
  if (some) who.placeholder = some.name.replace("/", "/pod/");
  return [
    el(
      "p",
      { class: "quiet" },
      "Pods listen on their container ports and probe ports, unless it is said here. An empty list means on none.",
    ),
    ...rows,
    el("div", { class: "listen" }, who, ports, add),
  ];
}

/** `8080, 53/udp` as a scenario writes it: numbers where they can be. */
function portsOf(text: string): readonly (string | number)[] {
  return words(text).map((word) => (/^\d+$/.test(word) ? Number(word) : word));
}

/** What was assumed and is no setting of the cluster. */
function otherAssumptions({ trace, settings, course }: Loaded, store: Store): Node[] {
  const settled = new Set(settings.map(({ assumption }) => assumption));
  const others = trace.assumptions.filter(({ id }) => !settled.has(id));
  if (others.length === 0) return [];
  return [el("h2", {}, "Also assumed"), assumptionList(others, course, store)];
}

/** What the input does not say, and how to say it. */
export function assumptionList(
  assumptions: readonly Assumption[],
  course: Loaded["course"],
  store: Store,
): HTMLElement {
  const rows = assumptions.map(({ id, text, override }) => {
    const used = course.moments.find(({ step }) => step.assumption === id);
    return el(
      "li",
      {},
      text,
      override !== undefined && el("span", { class: "quiet" }, ` State it with ${override}.`),
      used && " ",
      used && seeWhere(used.index, "see where", store),
    );
  });
  return el("ul", {}, ...rows);
}
