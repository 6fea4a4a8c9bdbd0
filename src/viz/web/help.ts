import type { Tone } from "../moments.ts";
import type { ElementKind } from "../scene.ts";
import { icons, outline, toneWords } from "../shapes.ts";
import { button, el, icon, svg } from "./dom.ts";
import { type KeyBinding, keySetting } from "./keys.ts";

const toneMeaning: Readonly<Record<Tone, string>> = {
  forwarded: "as it came",
  rewritten: "other addresses, ports or mark",
  encapsulated: "inside another packet",
  delivered: "it arrived",
  dropped: "gone, and nobody says so",
  rejected: "refused, and the sender is told",
  unknown: "not modelled",
};

/** How the line of a packet ends that went no further. */
const endings: Partial<Record<Tone, string>> = {
  dropped: "M48,0.5V13.5",
  rejected: "M44,2.5C55,2.5,55,11.5,44,11.5H36M40,8L36,11.5L40,15",
};

const shapeMeaning: readonly (readonly [ElementKind, string])[] = [
  ["process", "sends and receives"],
  ["interface", "device or bridge"],
  ["stack", "decides: routes and rules"],
  ["state", "remembers: connections, addresses"],
];

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
      el("h2", {}, "Keys and signs"),
      el(
        "p",
        {},
        el("kbd", {}, "Ctrl K"),
        " or ",
        el("kbd", {}, "⌘ K"),
        " finds everything: steps, pods, nodes, Services, examples, and what the page can do.",
      ),
      el("p", {}, toggle, el("label", { for: "keys-on" }, " Single keys work")),
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
      signs(),
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

/** What lines and shapes of the stage mean. */
function signs(): HTMLElement {
  const tones = Object.keys(toneMeaning) as Tone[];
  const line = (tone: Tone): SVGElement =>
    svg(
      "svg",
      { class: "trail sign-line", viewBox: "0 0 56 14", "aria-hidden": "true" },
      svg(
        "g",
        { "data-tone": tone },
        svg("path", { class: "under", d: `M5,7H${endings[tone] === undefined ? 51 : 42}` }),
        svg("path", { class: "over", d: "M5,7H51" }),
        endings[tone] !== undefined && svg("path", { class: "end-sign", d: endings[tone] }),
      ),
    );
  const shape = (kind: ElementKind): SVGElement => {
    const wide = kind === "stack" ? 16 : 34;
    const d = outline(kind, { x: 28 - wide / 2, y: 2, width: wide, height: 16 });
    return svg("svg", { class: "sign-shape", viewBox: "0 0 56 20", "aria-hidden": "true" }, svg("path", { d }));
  };
  return el(
    "section",
    { class: "signs" },
    el("h3", {}, "On the stage"),
    el(
      "ul",
      {},
      ...tones.map((tone) =>
        el(
          "li",
          { "data-tone": tone },
          line(tone),
          icon(icons[tone]),
          el("strong", {}, toneWords[tone]),
          el("span", { class: "quiet" }, toneMeaning[tone]),
        ),
      ),
      ...shapeMeaning.map(([kind, meaning]) => el("li", {}, shape(kind), el("span", {}, meaning))),
    ),
  );
}
