import { type Band, type LaneKind, type Range, bandOf, fittedRange, rangeAround, zoomedRange } from "../lanes.ts";
import { moved } from "../navigate.ts";
import { stopText } from "../stops.ts";
import { svg } from "./dom.ts";
import type { State, Store } from "./store.ts";
import { axisHeight, drawDetail, laneHeight, laneY, scaleOf, tickWords } from "./timeline-drawing.ts";
import { overview } from "./timeline-overview.ts";

export interface Timeline {
  /** Whether somebody's pointer or keyboard is on it: then the keys that zoom are meant for it. */
  isInHand(): boolean;
  zoomBy(factor: number): void;
  pan(direction: 1 | -1): void;
  /** The steps of the packet in sight; all of them where those are shown already. */
  focus(): void;
  fit(): void;
  lanes(kind: LaneKind): void;
}

const noBand: Band = { moments: [], lanes: [], laneOf: [], rankOf: () => 0 };

/** The whole trace as a strip, a piece of it in lanes below. A slider: its value is the step. */
export function timelineView(root: HTMLElement, store: Store): Timeline {
  const picture = svg("svg", { class: "lanes", "aria-hidden": "true" });
  const marks = svg("g", {});
  const cursorLine = svg("line", { class: "cursor", y1: 0 });
  const cursorHead = svg("path", { class: "cursor-head", d: "M-5,0H5L0,7Z" });
  picture.append(marks, cursorLine, cursorHead);
  let band = noBand;
  let kind: LaneKind = "places";
  let range: Range = { from: 0, to: 1 };
  let width = 0;
  let room = 0;
  let scrolled = 0;
  const last = (): number => band.moments.length - 1;
  const rank = (): number => band.rankOf(store.state.cursor);
  const scale = () => scaleOf(width, range);
  const show = (next: Range): void => {
    range = fittedRange(next, last());
    draw();
    strip.mark(range);
  };
  const strip = overview((next) => {
    range = fittedRange(next, last());
    draw();
  });
  const body = document.createElement("div");
  body.className = "detail";
  body.append(picture);
  root.append(strip.element, body);

  function draw(): void {
    const height = axisHeight + band.lanes.length * laneHeight + 3;
    picture.setAttribute("width", String(width));
    picture.setAttribute("height", String(height));
    cursorLine.setAttribute("y2", String(height));
    marks.replaceChildren(...drawDetail(band, scale(), store.state.breakpoints));
    place(store.state);
  }
  function place({ loaded, cursor, grain }: State): void {
    if (!loaded) return;
    const { course } = loaded;
    const x = scale().x(rank());
    reveal(laneY(band.laneOf[rank()] ?? 0));
    const outside = rank() < range.from - 0.01 || rank() > range.to + 0.01;
    for (const part of [cursorLine, cursorHead]) {
      part.setAttribute("transform", `translate(${x},0)`);
      part.classList.toggle("outside", outside);
    }
    strip.draw(band, width, cursor);
    const stop = course.stops[course.moments[cursor]?.stop ?? 0];
    const words = grain === "hop" && stop ? stopText(course, stop) : (course.moments[cursor]?.step.text ?? "");
    root.setAttribute("aria-valuemax", String(Math.max(1, course.moments.length)));
    root.setAttribute("aria-valuenow", String(cursor + 1));
    root.setAttribute("aria-valuetext", `Step ${cursor + 1} of ${course.moments.length}. ${words}`);
  }
  /** Where there is no room for all lanes, the one of the step is in sight. */
  function reveal(y: number): void {
    // The times stand above the lanes: they are scrolled away only for a lane that is out of sight.
    if (room === 0 || y + laneHeight <= room) body.scrollTop = 0;
    else if (y - laneHeight < scrolled) body.scrollTop = y - axisHeight - laneHeight / 2;
    else if (y + laneHeight > scrolled + room) body.scrollTop = y + laneHeight - room;
  }
  const rankAt = (event: PointerEvent): number => {
    const at = Math.round(scale().rank(event.clientX - root.getBoundingClientRect().left));
    return Math.min(Math.max(0, at), Math.max(0, last()));
  };
  body.addEventListener("scroll", () => {
    scrolled = body.scrollTop;
  });
  const seek = (event: PointerEvent): void => store.select(band.moments[rankAt(event)]?.index ?? 0);
  picture.addEventListener("pointerdown", (event) => {
    picture.setPointerCapture(event.pointerId);
    seek(event);
  });
  picture.addEventListener("pointermove", (event) => {
    if (picture.hasPointerCapture(event.pointerId)) return seek(event);
    const moment = band.moments[rankAt(event)];
    if (moment) body.title = tickWords(moment);
  });
  picture.addEventListener(
    "wheel",
    (event) => {
      const around = scale().rank(event.clientX - root.getBoundingClientRect().left);
      if (event.ctrlKey) show(zoomedRange(range, event.deltaY < 0 ? 1.25 : 0.8, around, last()));
      else if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) shift(event.deltaX / width);
      else return;
      event.preventDefault();
    },
    { passive: false },
  );
  const shift = (share: number): void => {
    const by = (range.to - range.from) * share;
    const length = range.to - range.from;
    const from = Math.min(Math.max(0, range.from + by), Math.max(0, last() - length));
    show({ from, to: from + length });
  };
  // A slider answers these keys even where the page's single keys are turned off.
  root.addEventListener("keydown", (event) => {
    const { loaded, cursor, grain } = store.state;
    const to =
      loaded && sliderTarget(event, (by) => moved(loaded.course, cursor, grain, by), loaded.course.moments.length);
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    store.select(to);
  });
  new ResizeObserver(() => {
    room = body.clientHeight;
    if (root.clientWidth === width) return place(store.state);
    width = root.clientWidth;
    show(range);
  }).observe(root);
  store.listen((state, before) => {
    const fresh = state.loaded !== before.loaded || state.grain !== before.grain;
    if (fresh && state.loaded) refill(state);
    else if (state.cursor !== before.cursor) {
      const next = rangeAround(range, rank(), last());
      if (next.from !== range.from) show(next);
      else place(state);
    } else if (state.breakpoints !== before.breakpoints) draw();
  });
  function refill({ loaded, grain }: State): void {
    if (!loaded) return;
    band = bandOf(loaded.course, loaded.views[grain].scene, grain, kind);
    strip.draw(band, width, store.state.cursor);
    show({ from: 0, to: last() });
  }
  return {
    isInHand: () => root.matches(":focus, :focus-within, :hover"),
    zoomBy: (factor) => show(zoomedRange(range, factor, rank(), last())),
    pan: (direction) => shift(direction / 8),
    fit: () => show({ from: 0, to: last() }),
    focus() {
      const { packet, stop } = band.moments[rank()] ?? {};
      const own = band.moments.flatMap((moment, index) =>
        (packet === undefined ? moment.stop === stop : moment.packet === packet) ? [index] : [],
      );
      const next = fittedRange({ from: (own[0] ?? 0) - 2, to: (own.at(-1) ?? 0) + 2 }, last());
      show(next.from === range.from && next.to === range.to ? { from: 0, to: last() } : next);
    },
    lanes(next) {
      kind = next;
      refill(store.state);
    },
  };
}

function sliderTarget({ key, shiftKey }: KeyboardEvent, go: (by: 1 | -1) => number, count: number): number | undefined {
  if (shiftKey) return undefined;
  switch (key) {
    case "ArrowRight":
      return go(1);
    case "ArrowLeft":
      return go(-1);
    case "Home":
      return 0;
    case "End":
      return count - 1;
    default:
      return undefined;
  }
}
