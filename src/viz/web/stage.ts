import { select, zoom, zoomIdentity, zoomTransform } from "d3";
import { type Frame, frameAt } from "../frame.ts";
import { type Box, type Point, boundsOf, centre, nodeBoxId } from "../layout.ts";
import type { Course } from "../moments.ts";
import { pointAlong } from "../route.ts";
import type { SceneElement } from "../scene.ts";
import { icons, polyline, toneWords } from "../shapes.ts";
import { icon, reducedMotion, svg } from "./dom.ts";
import { type Layer, drawBoxes, drawElements, drawLinks, drawTiles } from "./stage-scene.ts";
import type { State, Store, View } from "./store.ts";

const moveMillis = 240;
/** Below this width the whole stage would be too small to read: it shows the node of the packet. */
const narrow = 560;

/** The picture: nested boxes, the packet on its way, the trail behind it. D3 draws what scene, layout and frame say. */
export class Stage {
  readonly #store: Store;
  readonly #root: SVGSVGElement;
  readonly #layers: Readonly<
    Record<"world" | "tiles" | "boxes" | "links" | "bridges" | "trail" | "elements" | "glyph", Layer>
  >;
  readonly #summary: HTMLElement;
  readonly #zoom = zoom<SVGSVGElement, unknown>().scaleExtent([0.2, 4]);
  #frame: Frame | undefined;
  #animation = 0;
  #level = 0;

  constructor(root: HTMLElement, summary: HTMLElement, store: Store) {
    this.#store = store;
    this.#summary = summary;
    this.#root = svg("svg", { class: "stage-svg", role: "img", "aria-labelledby": summary.id });
    root.append(this.#root);
    const world = select(this.#root).append("g");
    const layer = (name: string): Layer => world.append("g").attr("class", name);
    this.#layers = {
      world,
      tiles: layer("tiles"),
      boxes: layer("boxes"),
      links: layer("links"),
      bridges: layer("bridges"),
      trail: layer("trail"),
      elements: layer("elements"),
      glyph: layer("glyph"),
    };
    this.#zoom.on("zoom", (event: { transform: string }) => world.attr("transform", String(event.transform)));
    select(this.#root).call(this.#zoom);
    new ResizeObserver(() => this.fit()).observe(root);
    this.#root.addEventListener("click", ({ target }) => this.#pick(target));
    store.listen((state, before) => this.#update(state, before));
  }

  /** Shows everything, or on a narrow screen the node that the packet is on. */
  fit(): void {
    this.#level = 0;
    const view = this.#view();
    if (view) this.#look(this.#root.clientWidth < narrow ? this.#surroundings(view) : whole(view.layout));
  }

  /** Goes close to where the packet is. */
  focus(): void {
    const box = this.#view()?.layout.boxes.get(this.#frame?.namespace ?? "");
    if (box) this.#look({ x: box.x - 40, y: box.y - 40, width: box.width + 80, height: box.height + 80 });
  }

  /** Moves the view by a part of its width. */
  pan(direction: 1 | -1): void {
    const { k } = zoomTransform(this.#root);
    this.#zoom.translateBy(select(this.#root), (-direction * this.#root.clientWidth) / 8 / k, 0);
  }

  /**
   * One level of nesting further in (1) or out (-1): the whole cluster, where the story
   * takes place, the node of the packet, its namespace.
   */
  level(by: 1 | -1): void {
    const view = this.#view();
    if (!view) return;
    this.#level = Math.min(2, Math.max(-1, this.#level + by));
    if (this.#level === -1) this.#look(view.layout.bounds);
    if (this.#level === 0) this.#look(whole(view.layout));
    if (this.#level === 1) this.#look(this.#surroundings(view));
    if (this.#level === 2) this.focus();
  }

  zoomBy(factor: number): void {
    this.#zoom.scaleBy(select(this.#root), factor);
  }

  /** A pod clicked is the sender, the next one the receiver. */
  #pick(target: EventTarget | null): void {
    const { loaded, picked } = this.#store.state;
    const clicked = target instanceof Element ? target.closest(".box-pod, .box-idle") : null;
    const id = clicked === null ? undefined : select<Element, { id: string }>(clicked).datum().id;
    if (id === undefined || loaded?.inventory.pods.some(({ name }) => name === id) !== true) return;
    this.#store.update({ picked: picked.includes(id) ? [] : [...picked, id] });
  }

  #view(): View | undefined {
    const { loaded, grain } = this.#store.state;
    return loaded?.views[grain];
  }

  #surroundings({ scene, layout }: View): Box {
    const at = this.#frame?.namespace;
    const node = scene.nodes.find(({ host, pods }) => host.name === at || pods.some(({ name }) => name === at));
    const box = layout.boxes.get(node === undefined ? (at ?? "") : nodeBoxId(node.name));
    return box === undefined
      ? layout.bounds
      : boundsOf([box, { ...(this.#frame?.glyph.at ?? box), width: 1, height: 30 }]);
  }

  #look(box: Box): void {
    const { clientWidth: width, clientHeight: height } = this.#root;
    if (width === 0 || height === 0) return;
    const scale = Math.min(1.5, (width - 24) / box.width, (height - 24) / box.height);
    const { x, y } = centre(box);
    this.#zoom.transform(
      select(this.#root),
      zoomIdentity.translate(width / 2 - x * scale, height / 2 - y * scale).scale(scale),
    );
  }

  #update({ loaded, cursor, grain, playing, speed, picked }: State, before: State): void {
    const view = loaded?.views[grain];
    if (!loaded || !view) return;
    const fresh = loaded !== before.loaded || grain !== before.grain;
    if (picked !== before.picked)
      this.#layers.boxes.selectAll<SVGGElement, { id: string }>("g").classed("picked", ({ id }) => picked.includes(id));
    if (!fresh && cursor === before.cursor) return;
    if (fresh) {
      this.#frame = undefined;
      drawTiles(this.#layers.tiles, view);
      drawBoxes(this.#layers.boxes, view);
      drawLinks(this.#layers.links, view);
      drawElements(this.#layers.bridges, view, ({ kind }) => kind === "bridge");
      drawElements(this.#layers.elements, view, ({ kind }) => kind !== "bridge");
    }
    const from = this.#frame;
    this.#drawFrame(loaded.course, view, cursor, playing ? moveMillis / speed : moveMillis);
    if (fresh || (this.#root.clientWidth < narrow && from?.namespace !== this.#frame?.namespace)) this.fit();
  }

  #drawFrame(course: Course, { ways, scene, layout }: View, cursor: number, millis: number): void {
    const frame = frameAt(course, ways, cursor);
    if (!frame) return;
    const before = this.#frame;
    this.#frame = frame;
    const passed = course.byPacket.get(course.moments[cursor]?.packet?.id ?? 0) ?? [];
    const visited = new Set(passed.filter(({ index }) => index <= cursor).map(({ place }) => place));
    for (const layer of [this.#layers.bridges, this.#layers.elements]) {
      layer
        .selectAll<SVGGElement, SceneElement>("g")
        .classed("visited", ({ id }) => visited.has(id))
        .classed("active", ({ id }) => id === frame.place)
        .attr("data-tone", ({ id }) => (id === frame.place ? frame.glyph.tone : null));
    }
    this.#layers.boxes
      .selectAll<SVGGElement, { id: string }>("g")
      .classed("active", ({ id }) => id === frame.namespace);
    this.#drawTrail(frame);
    const moving = course.moments[cursor]?.towards !== undefined;
    this.#drawGlyph(frame, moving ? undefined : layout.boxes.get(frame.place));
    const grew = before !== undefined && frame.trail.length !== before.trail.length && frame.trail.length > 0;
    if (grew) this.#travel(before.glyph.at, frame, millis);
    else this.#put(frame.glyph.at);
    this.#summary.textContent = `${scene.nodes.length} nodes. The packet is in ${frame.namespace}: ${toneWords[frame.glyph.tone]}.`;
  }

  #drawTrail({ trail }: Frame): void {
    this.#layers.trail
      .selectAll<SVGGElement, Frame["trail"][number]>("g")
      .data(trail)
      .join((enter) => {
        const group = enter.append("g");
        group.append("path").attr("class", "under");
        group.append("path").attr("class", "over");
        return group;
      })
      .attr("data-tone", ({ tone }) => tone)
      .each(function ({ points }) {
        select(this).selectAll("path").attr("d", polyline(points));
      });
  }

  /** On a cable the glyph is in the middle of it; at an element it stands at its side, so that the name stays readable. */
  #drawGlyph({ glyph }: Frame, box: Box | undefined): void {
    const shift = box === undefined || box.width < 40 || box.width > 120 ? 0 : box.width / 2;
    const sign = icon(icons[glyph.tone], "sign");
    for (const [name, value] of Object.entries({ x: -8, y: -8, width: 16, height: 16 }))
      sign.setAttribute(name, String(value));
    const plate = svg("rect", { x: -15, y: -12, width: 30, height: 24, rx: 7 });
    const inner = svg("g", { transform: `translate(${shift},0)` }, plate, sign);
    this.#layers.glyph.attr("data-tone", glyph.tone).node()?.replaceChildren(inner);
  }

  /** Moves the glyph along the new piece of the trail. */
  #travel(from: Point, frame: Frame, millis: number): void {
    if (reducedMotion.matches || millis < 20 || document.hidden) return this.#put(frame.glyph.at);
    const points = forwardPoints(from, frame);
    cancelAnimationFrame(this.#animation);
    const start = performance.now();
    const tick = (now: number): void => {
      const t = Math.min(1, Math.max(0, now - start) / millis);
      this.#place(pointAlong(points, t * (2 - t)));
      if (t < 1) this.#animation = requestAnimationFrame(tick);
    };
    this.#animation = requestAnimationFrame(tick);
  }

  #put(point: Point): void {
    cancelAnimationFrame(this.#animation);
    this.#place(point);
  }

  #place({ x, y }: Point): void {
    this.#layers.glyph.attr("transform", `translate(${x},${y})`);
  }
}

/** Everything; in a large cluster where the story takes place, and the first of the other nodes. */
function whole({ bounds, story }: View["layout"]): Box {
  const margin = 110;
  return bounds.height <= story.height * 1.4
    ? bounds
    : {
        ...story,
        width: Math.max(story.width, Math.min(bounds.width, story.width * 1.3)),
        height: story.height + margin,
      };
}

/** The part of the trail that lies ahead of where the glyph was, or the straight way where it was elsewhere. */
function forwardPoints(from: Point, { trail, glyph }: Frame): readonly Point[] {
  const all = trail.flatMap(({ points }) => points);
  const at = all.findLastIndex(({ x, y }) => x === from.x && y === from.y);
  return at >= 0 ? all.slice(at) : [from, glyph.at];
}
