import { ribbonOf } from "../ribbon.ts";
import { icons, toneWords } from "../shapes.ts";
import { el, icon } from "./dom.ts";
import type { Store } from "./store.ts";

/** The packet's way as a strip of places: the shortest picture of it, at any size of cluster and screen. */
export function ribbonView(root: HTMLElement, store: Store): void {
  store.listen((state, before) => {
    const { loaded, cursor } = state;
    if (!loaded || (loaded === before.loaded && cursor === before.cursor)) return;
    const moment = loaded.course.moments[cursor];
    const places = moment === undefined ? [] : ribbonOf(loaded.course, moment);
    root.replaceChildren(
      ...places.map(({ namespace, moment: at, tone, here }) => {
        const name = namespace.slice(namespace.indexOf("/") + 1);
        const go = el(
          "button",
          {
            type: "button",
            "data-tone": tone,
            title: `${namespace}: ${toneWords[tone]}`,
            "aria-current": here ? "step" : undefined,
          },
          tone !== "forwarded" && icon(icons[tone]),
          el("span", {}, name),
        );
        go.addEventListener("click", () => store.select(at));
        return el("li", {}, go);
      }),
    );
    // Not scrollIntoView: that moves the whole page on a small screen.
    const current = root.querySelector<HTMLElement>("[aria-current]");
    if (current) root.scrollLeft = current.offsetLeft - root.clientWidth / 2;
  });
}
