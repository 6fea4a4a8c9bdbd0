import { type Suggestion, suggestions } from "../filter-help.ts";
import { parseFilter } from "../filter.ts";
import { el } from "./dom.ts";
import type { Store } from "./store.ts";

export interface FilterBox {
  focus(): void;
  /** What stands beside the field: how many rows fit. */
  say(words: string): void;
}

/** The field that filters the events: green or red as you type, with what can come next in a list below. */
export function filterBox(root: HTMLElement, store: Store, leave: () => void): FilterBox {
  const input = el("input", {
    id: "filter",
    type: "search",
    role: "combobox",
    "aria-label": "Filter events",
    "aria-describedby": "filter-note",
    "aria-autocomplete": "list",
    "aria-expanded": "false",
    "aria-controls": "filter-options",
    placeholder: "Filter (/)   kind:nat  where:node-a  owner:web  -kind:hook",
    spellcheck: "false",
    autocomplete: "off",
  });
  const note = el("span", { id: "filter-note", class: "quiet", role: "status" });
  const list = el("ul", {
    id: "filter-options",
    class: "options-list",
    role: "listbox",
    "aria-label": "Filters",
    popover: "manual",
  });
  root.append(input, note, list);
  let offered: readonly Suggestion[] = [];
  let chosen = -1;

  const close = (): void => {
    offered = [];
    chosen = -1;
    if (list.matches(":popover-open")) list.hidePopover();
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const draw = (): void => {
    list.replaceChildren(
      ...offered.map(({ label, about }, index) => {
        const option = el(
          "li",
          { role: "option", id: `filter-option-${index}`, "aria-selected": String(index === chosen) },
          el("code", {}, label),
          el("span", { class: "quiet" }, about),
        );
        option.addEventListener("pointerdown", (event) => {
          event.preventDefault();
          take(index);
        });
        return option;
      }),
    );
    list.children[chosen]?.scrollIntoView({ block: "nearest" });
    if (chosen >= 0) input.setAttribute("aria-activedescendant", `filter-option-${chosen}`);
    else input.removeAttribute("aria-activedescendant");
  };
  const offer = (): void => {
    const { loaded } = store.state;
    offered = loaded ? suggestions(loaded.course, input.value, input.selectionStart ?? input.value.length) : [];
    chosen = -1;
    if (offered.length === 0) return close();
    const { left, top, bottom } = input.getBoundingClientRect();
    const above = top > innerHeight - bottom;
    list.style.left = `${left}px`;
    list.style.top = above ? "auto" : `${bottom + 4}px`;
    list.style.bottom = above ? `${innerHeight - top + 4}px` : "auto";
    list.style.maxHeight = `${Math.max(top, innerHeight - bottom) - 12}px`;
    if (!list.matches(":popover-open")) list.showPopover();
    input.setAttribute("aria-expanded", "true");
    draw();
  };
  const take = (index: number): void => {
    const suggestion = offered[index];
    if (!suggestion) return;
    input.value = suggestion.text;
    input.setSelectionRange(suggestion.caret, suggestion.caret);
    store.update({ filter: input.value });
    offer();
  };
  input.addEventListener("input", () => {
    store.update({ filter: input.value });
    offer();
  });
  input.addEventListener("focus", offer);
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    const open = offered.length > 0;
    if (open && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      const by = event.key === "ArrowDown" ? 1 : -1;
      chosen = chosen < 0 && by < 0 ? offered.length - 1 : (chosen + by + offered.length) % offered.length;
      draw();
    } else if (open && chosen >= 0 && (event.key === "Enter" || event.key === "Tab")) take(chosen);
    else if (event.key === "Escape") {
      store.update({ filter: "" });
      leave();
    } else if (event.key === "Enter") leave();
    else return;
    event.preventDefault();
  });
  store.listen((state, before) => {
    if (state.filter === before.filter && state.loaded === before.loaded) return;
    const wrong = "problem" in parseFilter(state.filter);
    if (input.value !== state.filter) input.value = state.filter;
    input.setAttribute("aria-invalid", String(wrong));
    input.classList.toggle("works", !wrong && state.filter.trim() !== "");
  });
  return {
    focus: () => input.select(),
    say(words) {
      note.textContent = words;
    },
  };
}
