import { el } from "./dom.ts";
import type { View } from "./store.ts";

/** How much of the cluster the stage shows; `free` after somebody moved it by hand. */
export type Level = "cluster" | "story" | "node" | "namespace" | "free";

/** Where the packet is, from the cluster down to the namespace; each part shows just that. */
export class Breadcrumbs {
  readonly element: HTMLElement = el("nav", { class: "crumbs", "aria-label": "Place of the packet" });
  readonly #show: (level: Level) => void;
  #drawn = "";

  constructor(show: (level: Level) => void) {
    this.#show = show;
  }

  draw({ scene }: View, level: Level, node: string | undefined, namespace: string | undefined): void {
    const count = scene.nodes.length + scene.tiles.length;
    const parts: readonly (readonly [Level, string])[] = [
      ["cluster", scene.tiles.length === 0 ? "cluster" : `cluster of ${count}`],
      ...(scene.tiles.length > 0 ? ([["story", "way"]] as const) : []),
      ...(node === undefined ? [] : ([["node", node]] as const)),
      ...(namespace === undefined ? [] : ([["namespace", namespaceWords(namespace, node)]] as const)),
    ];
    const here = scene.tiles.length === 0 && level === "story" ? "cluster" : level;
    const drawn = JSON.stringify([parts, here]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    const focused = this.element.contains(document.activeElement)
      ? [...this.element.querySelectorAll("button")].indexOf(document.activeElement as HTMLButtonElement)
      : -1;
    this.element.replaceChildren(
      el("ol", {}, ...parts.map(([target, text]) => el("li", {}, this.#crumb(target, text, target === here)))),
    );
    this.element.querySelectorAll("button")[focused]?.focus();
  }

  #crumb(level: Level, text: string, here: boolean): HTMLElement {
    const crumb = el("button", { type: "button", "aria-current": here ? "location" : undefined }, text);
    crumb.addEventListener("click", () => this.#show(level));
    return crumb;
  }
}

/** `netns web-0`; the namespace of the node itself is its host. */
function namespaceWords(namespace: string, node: string | undefined): string {
  if (namespace === node) return "host netns";
  return `netns ${namespace.slice(namespace.indexOf("/") + 1).replace(/^\((.*)\)$/, "$1")}`;
}
