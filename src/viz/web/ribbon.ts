import { type RibbonPlace, ribbonOf } from "../ribbon.ts";
import { icons, toneWords } from "../shapes.ts";
import { stopWords } from "../stops.ts";
import { el, icon } from "./dom.ts";
import type { Loaded, Store } from "./store.ts";

/**
 * The packet's way as a strip of places: the shortest picture of it, at any size of cluster. On a phone it stands
 * upright and says what happens at each place: there it is the picture.
 */
export function ribbonView(root: HTMLElement, store: Store): void {
  store.listen((state, before) => {
    const { loaded, cursor } = state;
    if (!loaded || (loaded === before.loaded && cursor === before.cursor)) return;
    const moment = loaded.course.moments[cursor];
    const places = moment === undefined ? [] : ribbonOf(loaded.course, moment);
    root.replaceChildren(
      ...places.map((place, index) => {
        const next = places[index + 1];
        const attributes = {
          class: `${classOf(place)}${next?.ahead === true ? " leads-ahead" : ""}`,
          "data-tone": place.tone,
          "data-leads": next?.tone,
        };
        return el("li", attributes, ...content(place, loaded, store));
      }),
    );
    // Not scrollIntoView: that moves the whole page on a small screen.
    const current = root.querySelector<HTMLElement>("[aria-current]");
    if (!current) return;
    root.scrollLeft = current.offsetLeft - root.clientWidth / 2;
    root.scrollTop = current.offsetTop - root.clientHeight / 3;
  });
}

function classOf({ here, ahead }: RibbonPlace): string {
  return here ? "here" : ahead ? "ahead" : "past";
}

function content({ namespace, moment, tone, here, stops }: RibbonPlace, { course }: Loaded, store: Store): Node[] {
  const name = namespace.slice(namespace.indexOf("/") + 1).replace(/^\((.*)\)$/, "$1");
  const go = el(
    "button",
    {
      type: "button",
      title: `${namespace}: ${toneWords[tone]}`,
      "aria-current": here ? "step" : undefined,
    },
    icon(icons[tone]),
    el("span", {}, name),
  );
  go.addEventListener("click", () => store.select(moment));
  const story = stops.flatMap((index) => {
    const stop = course.stops[index];
    return stop === undefined ? [] : [stopWords(course, stop).story];
  });
  return [go, el("p", { class: "about" }, story.join(" "))];
}
