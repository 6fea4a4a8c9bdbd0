import { type PaletteEntry, namedThings, ranked, stepsNamed } from "../palette.ts";
import { el } from "./dom.ts";
import type { Store } from "./store.ts";

/** An entry that can be chosen. */
export interface Command extends PaletteEntry {
  readonly run: () => void;
}

export interface PaletteActions {
  /** Everything the page can do. */
  readonly commands: () => readonly Command[];
  /** Shows a pod or a node that no packet saw. */
  readonly lookAt: (name: string) => void;
}

/** One field that finds everything: what the page can do, steps, pods, nodes, Services, examples. Opens with Ctrl+K. */
export function paletteDialog(store: Store, { commands, lookAt }: PaletteActions): () => void {
  return () => {
    if (document.querySelector("dialog.palette")) return;
    const input = el("input", {
      type: "text",
      role: "combobox",
      "aria-label": "Search",
      "aria-autocomplete": "list",
      "aria-expanded": "true",
      "aria-controls": "palette-options",
      placeholder: "A step, pod, node or Service, or what to do",
      spellcheck: "false",
      autocomplete: "off",
    });
    const list = el("ul", { id: "palette-options", role: "listbox", "aria-label": "Found" });
    const dialog = el("dialog", { class: "palette", "aria-label": "Search and commands" }, input, list);
    const { loaded } = store.state;
    const go = (moment: number): void => store.update({ cursor: moment, playing: false });
    const things: readonly Command[] = [
      ...commands(),
      ...(loaded ? namedThings(loaded.course, loaded.inventory) : []).map((thing) => ({
        ...thing,
        run: () => (thing.moment === undefined ? lookAt(thing.name) : go(thing.moment)),
      })),
    ];
    let found: readonly Command[] = [];
    let chosen = 0;
    const take = (index: number): void => {
      dialog.close();
      found[index]?.run();
    };
    const mark = (): void => {
      for (const [index, option] of list.querySelectorAll("[role=option]").entries())
        option.setAttribute("aria-selected", String(index === chosen));
      list.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
      if (found.length > 0) input.setAttribute("aria-activedescendant", `palette-${chosen}`);
      else input.removeAttribute("aria-activedescendant");
    };
    const draw = (): void => {
      const steps = loaded ? stepsNamed(loaded.course, input.value) : [];
      found = [
        ...ranked(things, input.value),
        ...steps.map((step) => ({
          ...step,
          run: () => store.update({ cursor: step.moment, playing: false, grain: "step" }),
        })),
      ];
      chosen = 0;
      list.replaceChildren(...groups(found, take));
      if (found.length === 0) list.append(el("li", { class: "quiet", role: "presentation" }, "Nothing has this name."));
      mark();
    };
    input.addEventListener("input", draw);
    input.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown") chosen = (chosen + 1) % Math.max(1, found.length);
      else if (event.key === "ArrowUp") chosen = (chosen - 1 + found.length) % Math.max(1, found.length);
      else if (event.key === "Enter") return (event.preventDefault(), take(chosen));
      else return;
      event.preventDefault();
      mark();
    });
    dialog.addEventListener("click", ({ target }) => {
      if (target === dialog) dialog.close();
    });
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
    draw();
  };
}

function groups(found: readonly Command[], take: (index: number) => void): readonly HTMLElement[] {
  const names = [...new Set(found.map(({ group }) => group))];
  return names.map((name) =>
    el(
      "li",
      { role: "presentation" },
      el(
        "ul",
        { role: "group", "aria-label": name },
        el("li", { class: "group-name", role: "presentation" }, name),
        ...found.flatMap((command, index) => (command.group === name ? [option(command, index, take)] : [])),
      ),
    ),
  );
}

function option({ label, hint }: Command, index: number, take: (index: number) => void): HTMLElement {
  const element = el(
    "li",
    { role: "option", id: `palette-${index}`, "aria-selected": "false" },
    el("span", {}, label),
    hint !== undefined && el("span", { class: "quiet" }, hint),
  );
  element.addEventListener("click", () => take(index));
  return element;
}
