import { type DumpDiff, diffDumps } from "../dump-diff.ts";
import { el } from "./dom.ts";
import { type DumpCommand, dumpCommands } from "./protocol.ts";
import type { Runner } from "./runner.ts";
import type { Store } from "./store.ts";

/** What a node holds, in the words of its own tools, and what a real node's dump says differently. */
export function dumpsPanel(root: HTMLElement, store: Store, runner: Runner): void {
  const node = el("select", { id: "dump-node" });
  const command = el("select", { id: "dump-command" }, ...dumpCommands.map((one) => el("option", {}, one)));
  const text = el("pre", { class: "dump", tabindex: 0, role: "region", "aria-label": "Dump" });
  const pasted = el("textarea", {
    id: "dump-own",
    wrap: "off",
    spellcheck: "false",
    rows: 4,
    "aria-label": "The same of your own node",
    placeholder: "Paste what the command prints on your own node:\nonly the differences are shown.",
  });
  const differences = el("div", { class: "differences", role: "status" });
  const copy = el("button", { type: "button", class: "small" }, "Copy");
  copy.addEventListener("click", () => void navigator.clipboard.writeText(text.textContent ?? ""));
  root.append(
    el(
      "div",
      { class: "rows" },
      el("label", { for: node.id }, "Node"),
      node,
      el("label", { for: command.id }, "Command"),
      command,
    ),
    el("div", { class: "source-head" }, el("span", { class: "label" }, "As it is here"), copy),
    text,
    el("label", { for: pasted.id, class: "label" }, "Compare"),
    pasted,
    differences,
  );
  const compare = (): void => {
    const own = pasted.value;
    differences.replaceChildren(...(own.trim() === "" ? [] : differenceList(diffDumps(text.textContent ?? "", own))));
  };
  let asked = 0;
  const show = async (): Promise<void> => {
    const { request, side, loaded } = store.state;
    if (side !== "dumps" || request === undefined || !loaded || node.value === "") return;
    const turn = ++asked;
    const dump = await runner.dump(request, { node: node.value, command: command.value as DumpCommand });
    if (turn !== asked) return;
    text.textContent = dump === undefined || dump === "" ? "Nothing: no such thing is on this node." : dump;
    compare();
  };
  node.addEventListener("change", () => void show());
  command.addEventListener("change", () => void show());
  pasted.addEventListener("input", compare);
  store.listen((state, before) => {
    if (state.loaded && state.loaded.inventory !== before.loaded?.inventory) {
      const chosen = node.value;
      const names = state.loaded.inventory.nodes.map(({ name }) => name);
      node.replaceChildren(...names.map((name) => el("option", {}, name)));
      if (names.includes(chosen)) node.value = chosen;
    }
    if (state.side !== before.side || state.loaded !== before.loaded) void show();
  });
}

function differenceList({ missing, extra }: DumpDiff): Node[] {
  if (missing.length + extra.length === 0)
    return [el("p", {}, "The same, line for line (counters and comments aside).")];
  const list = (title: string, lines: readonly string[], kind: string): Node[] =>
    lines.length === 0
      ? []
      : [el("h2", {}, title), el("ul", { class: kind }, ...lines.map((line) => el("li", {}, el("code", {}, line))))];
  return [
    ...list(`Only here: ${missing.length}`, missing, "only-here"),
    ...list(`Only on your node: ${extra.length}`, extra, "only-there"),
  ];
}
