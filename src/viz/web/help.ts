import { button, el } from "./dom.ts";
import { type KeyBinding, keySetting } from "./keys.ts";

/** The dialog that lists the keys and can turn them off. */
export function helpDialog(all: () => readonly KeyBinding[]): () => void {
  return () => {
    const toggle = el("input", { type: "checkbox", id: "keys-on", checked: keySetting.on });
    toggle.addEventListener("change", () => {
      keySetting.on = toggle.checked;
    });
    const groups = [...new Set(all().map(({ group }) => group))];
    const dialog = el(
      "dialog",
      { class: "help", "aria-label": "Keys" },
      el("h2", {}, "Keys"),
      el(
        "p",
        {},
        el("kbd", {}, "Ctrl K"),
        " or ",
        el("kbd", {}, "⌘ K"),
        " finds everything: steps, pods, nodes, Services, examples, and what the page can do.",
      ),
      el(
        "div",
        { class: "key-groups" },
        ...groups.map((group) =>
          el(
            "section",
            {},
            el("h3", {}, group),
            el(
              "table",
              {},
              ...all()
                .filter((one) => one.group === group)
                .map(row),
            ),
          ),
        ),
      ),
      el("p", {}, toggle, el("label", { for: "keys-on" }, " Single keys work")),
      button("Close", "Close", () => dialog.close(), { class: "primary" }),
    );
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  };
}

function row({ label, does }: KeyBinding): HTMLElement {
  return el("tr", {}, el("th", { scope: "row" }, el("kbd", {}, label)), el("td", {}, does));
}
