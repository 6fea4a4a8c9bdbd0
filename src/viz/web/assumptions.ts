import { el } from "./dom.ts";
import type { Store } from "./store.ts";

/** What the input does not say, and how to say it. */
export function assumptionsView(root: HTMLElement, store: Store): void {
  store.listen(({ loaded }, before) => {
    if (!loaded || loaded === before.loaded) return;
    const { assumptions } = loaded.trace;
    if (assumptions.length === 0) return root.replaceChildren();
    const open = root.querySelector("details")?.open === true;
    const rows = assumptions.map(({ id, text, override }) => {
      const used = loaded.course.moments.find(({ step }) => step.assumption === id);
      const show = el("button", { type: "button", class: "link" }, "see where");
      show.addEventListener("click", () =>
        store.update({ cursor: used?.index ?? 0, grain: "step", tab: "why", playing: false }),
      );
      return el(
        "li",
        {},
        text,
        override !== undefined && el("span", { class: "quiet" }, ` State it with ${override}.`),
        used && " ",
        used && show,
      );
    });
    root.replaceChildren(
      el(
        "details",
        { open },
        el("summary", {}, assumptions.length === 1 ? "One assumption" : `${assumptions.length} assumptions`),
        el("ul", {}, ...rows),
      ),
    );
  });
}
