import { el } from "./dom.ts";
import { assumptionList } from "./inputs-scenario.ts";
import type { Store } from "./store.ts";

/** How many things were assumed, always in sight; behind it what they are, where they mattered, and where to change them. */
export function assumptionsView(root: HTMLElement, store: Store): void {
  const list = el("div", { class: "assumed-list", popover: "auto", id: "assumed-list" });
  const opener = el("button", { type: "button", popovertarget: list.id });
  root.append(opener, list);
  list.addEventListener("click", ({ target }) => {
    if (target instanceof Element && target.closest("button")) list.hidePopover();
  });
  store.listen(({ loaded }, before) => {
    if (!loaded || loaded === before.loaded) return;
    const { assumptions } = loaded.trace;
    opener.hidden = assumptions.length === 0;
    opener.textContent = `${assumptions.length} assumed`;
    opener.title = "What the input does not say, and was assumed";
    const change = el("button", { type: "button", class: "primary" }, "Change them");
    change.addEventListener("click", () => {
      store.update({ side: "scenario" });
      document.getElementById("side-scenario")?.focus();
    });
    list.replaceChildren(
      el(
        "div",
        { class: "assumed-head" },
        el("h2", {}, "Assumed, because the input does not say"),
        store.run && change,
      ),
      assumptionList(assumptions, loaded.course, store),
    );
  });
}
