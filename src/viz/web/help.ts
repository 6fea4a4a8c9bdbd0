import { button, el } from "./dom.ts";
import { type KeyBinding, keySetting } from "./keys.ts";

/** The dialog that lists the keys and can turn them off. */
export function helpDialog(all: () => readonly KeyBinding[]): () => void {
  return () => {
    const toggle = el("input", { type: "checkbox", id: "keys-on", checked: keySetting.on });
    toggle.addEventListener("change", () => {
      keySetting.on = toggle.checked;
    });
    const rows = all().map(({ label, does }) =>
      el("tr", {}, el("th", { scope: "row" }, el("kbd", {}, label)), el("td", {}, does)),
    );
    const dialog = el(
      "dialog",
      { class: "help", "aria-label": "Keys" },
      el("h2", {}, "Keys"),
      el("table", {}, ...rows),
      el("p", {}, toggle, el("label", { for: "keys-on" }, " Single keys work")),
      button("Close", "Close", () => dialog.close(), { class: "primary" }),
    );
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  };
}
