import { select } from "d3";
import { type Frame, frameAt } from "../frame.ts";
import { type Box, boundsOf, nodeBoxId } from "../layout.ts";
import type { Course } from "../moments.ts";
import { podRoles } from "../roles.ts";
import type { SceneElement } from "../scene.ts";
import { toneWords } from "../shapes.ts";
import { Breadcrumbs, type Level } from "./breadcrumbs.ts";
import { svg } from "./dom.ts";
import { Minimap } from "./minimap.ts";
import { Camera } from "./stage-camera.ts";
import { DotLayer, dotLegend } from "./stage-dots.ts";
import { PacketLayer } from "./stage-packet.ts";
import { type Layer, drawBoxes, drawElements, drawLinks, drawZones } from "./stage-scene.ts";
import type { Loaded, State, Store, View } from "./store.ts";

const moveMillis = 240;
/** Where the whole story would be too small to read the stage shows the node of the packet, and follows it. */
const narrow = 560;
const smallestStory = 0.6;
/** Below this scale only what is large is drawn. */
const farScale = 0.42;
/** Room for the breadcrumbs, pixels. */
const crumbRoom = 20;

type LayerName = "world" | "zones" | "boxes" | "links" | "bridges" | "trail" | "elements" | "clones" | "glyph";

/** From the whole cluster to one namespace. */
const levels: readonly Level[] = ["cluster", "story", "node", "namespace"];

/** The picture: nested boxes, the packet on its way, the trail behind it. D3 draws what scene, layout and frame say. */
export class Stage {
  readonly #store: Store;
  readonly #root: SVGSVGElement;
  readonly #layers: Readonly<Record<LayerName, Layer>>;
  readonly #summary: HTMLElement;
  readonly #camera: Camera;
  readonly #dots = new DotLayer();
  readonly #minimap = new Minimap((point) => {
    this.#level = "free";
    this.#camera.centreOn(point);
  });
  readonly #crumbs = new Breadcrumbs((level) => this.#show(level));
  readonly #packet: PacketLayer;
  readonly #legend = dotLegend();
  #frame: Frame | undefined;
  #level: Level = "story";

  constructor(root: HTMLElement, summary: HTMLElement, store: Store) {
    this.#store = store;
    this.#summary = summary;
    this.#root = svg("svg", { class: "stage-svg", role: "img", "aria-labelledby": summary.id });
    root.append(this.#root, this.#dots.element, this.#crumbs.element, this.#legend, this.#minimap.element);
    const world = select(this.#root).append("g").attr("class", "world");
    const layer = (name: string): Layer => world.append("g").attr("class", name);
    this.#layers = {
      world,
      zones: layer("zones"),
      boxes: layer("boxes"),
      links: layer("links"),
      bridges: layer("bridges"),
      trail: layer("trail"),
      elements: layer("elements"),
      clones: layer("clones"),
      glyph: layer("glyph"),
    };
    this.#packet = new PacketLayer(this.#layers);
    this.#camera = new Camera(this.#root, (transform, byHand) => {
      if (byHand) this.#level = "free";
      world.attr("transform", String(transform)).classed("far", transform.k < farScale);
      this.#redraw();
    });
    new ResizeObserver(() => {
      this.#camera.resize();
      this.#show(this.#level, false);
    }).observe(root);
    for (const query of ["(prefers-color-scheme: dark)", "(forced-colors: active)"])
      matchMedia(query).addEventListener("change", () => this.#redraw());
    new MutationObserver(() => this.#redraw()).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    this.#root.addEventListener("click", (event) => this.#pick(event));
    this.#root.addEventListener("pointermove", (event) => {
      const words = this.#dots.under(this.#camera.worldPoint(event))?.words ?? "";
      if (root.title !== words) root.title = words;
    });
    store.listen((state, before) => this.#update(state, before));
  }

  /** Shows where the story takes place, or where that would be too small the node that the packet is on. */
  fit(): void {
    this.#show(this.#home());
  }

  #home(): Level {
    const view = this.#view();
    if (this.#camera.width < narrow || !view) return "node";
    const small = this.#camera.fitScale(this.#boxOf("story", view), crumbRoom) < smallestStory;
    return small && view.scene.tiles.length === 0 ? "node" : "story";
  }

  /** Goes close to where the packet is; from there back to everything. */
  focus(): void {
    if (this.#level === "namespace") this.fit();
    else this.#show("namespace");
  }

  /** Moves the view by a part of its width. */
  pan(direction: 1 | -1): void {
    this.#level = "free";
    this.#camera.pan(direction / 8);
  }

  /** One level of nesting further in (1) or out (-1): the cluster, the story, the node of the packet, its namespace. */
  level(by: 1 | -1): void {
    const now = this.#level === "free" ? 1 : levels.indexOf(this.#level);
    this.#show(levels[Math.min(levels.length - 1, Math.max(0, now + by))] ?? "story");
  }

  /** Goes to a pod or a node, whether a packet saw it or not. */
  lookAt(name: string): void {
    const { boxes } = this.#view()?.layout ?? {};
    const box = boxes?.get(nodeBoxId(name)) ?? boxes?.get(name) ?? this.#dots.boxOf(name);
    if (box === undefined) return;
    this.#level = "free";
    this.#camera.look(grown(box, 60));
  }

  zoomBy(factor: number): void {
    this.#level = "free";
    this.#camera.zoomBy(factor);
  }

  #show(level: Level, glide = true): void {
    this.#level = level;
    const view = this.#view();
    if (!view) return;
    if (level !== "free") this.#camera.look(this.#boxOf(level, view), { glide, top: crumbRoom });
    this.#redraw();
  }

  #boxOf(level: Exclude<Level, "free">, view: View): Box {
    switch (level) {
      case "cluster":
        return view.layout.bounds;
      case "story":
        return story(view.layout, (this.#camera.height - crumbRoom) / Math.max(1, this.#camera.width));
      case "node":
        return this.#surroundings(view);
      case "namespace": {
        const box = view.layout.boxes.get(this.#frame?.namespace ?? "");
        return box === undefined ? view.layout.bounds : grown(box, 40);
      }
    }
  }

  /** A pod clicked is the sender, the next one the receiver. */
  #pick(event: MouseEvent): void {
    const { loaded, picked } = this.#store.state;
    const clicked = event.target instanceof Element ? event.target.closest(".box-pod, .box-idle") : null;
    const id =
      clicked === null
        ? this.#dots.under(this.#camera.worldPoint(event))?.pod
        : select<Element, { id: string }>(clicked).datum().id;
    if (id === undefined || loaded?.inventory.pods.some(({ name }) => name === id) !== true) return;
    this.#store.update({ picked: picked.includes(id) ? [] : [...picked, id] });
  }

  #view(): View | undefined {
    const { loaded, grain } = this.#store.state;
    return loaded?.views[grain];
  }

  #nodeOf({ scene }: View): string | undefined {
    const at = this.#frame?.namespace;
    return scene.nodes.find(({ host, pods }) => host.name === at || pods.some(({ name }) => name === at))?.name;
  }

  #surroundings(view: View): Box {
    const node = this.#nodeOf(view);
    const box = view.layout.boxes.get(node === undefined ? (this.#frame?.namespace ?? "") : nodeBoxId(node));
    return box === undefined
      ? view.layout.bounds
      : boundsOf([box, { ...(this.#frame?.glyph.at ?? box), width: 1, height: 30 }]);
  }

  /** What depends on where the camera looks. */
  #redraw(): void {
    const view = this.#view();
    if (!view) return;
    const { sight, transform } = this.#camera;
    this.#dots.draw(transform, sight, this.#camera);
    this.#minimap.draw(view, sight, this.#frame?.glyph.at, this.#camera.width);
    this.#crumbs.draw(view, this.#level, this.#nodeOf(view), this.#frame?.namespace);
  }

  #update({ loaded, cursor, grain, speed, picked }: State, before: State): void {
    const view = loaded?.views[grain];
    if (!loaded || !view) return;
    const fresh = loaded !== before.loaded || grain !== before.grain;
    if (picked !== before.picked)
      this.#layers.boxes.selectAll<SVGGElement, { id: string }>("g").classed("picked", ({ id }) => picked.includes(id));
    if (!fresh && cursor === before.cursor) return;
    if (fresh) this.#drawScene(loaded, view);
    const from = this.#frame;
    this.#drawFrame(loaded.course, view, cursor, moveMillis / speed);
    const moved = from?.namespace !== this.#frame?.namespace;
    if (fresh) this.#show(this.#home(), false);
    else if (moved && (this.#level === "node" || this.#level === "namespace")) this.#show(this.#level);
    else this.#redraw();
  }

  #drawScene({ trace }: Loaded, view: View): void {
    const roles = podRoles(trace);
    this.#frame = undefined;
    drawZones(this.#layers.zones, view);
    drawBoxes(this.#layers.boxes, view, roles);
    drawLinks(this.#layers.links, view);
    drawElements(this.#layers.bridges, view, ({ kind }) => kind === "bridge");
    drawElements(this.#layers.elements, view, ({ kind }) => kind !== "bridge");
    this.#dots.fill(view, roles);
    this.#legend.hidden = this.#dots.count === 0;
  }

  #drawFrame(course: Course, { ways, scene, layout }: View, cursor: number, millis: number): void {
    const frame = frameAt(course, ways, cursor);
    const moment = course.moments[cursor];
    if (!frame || !moment) return;
    const before = this.#frame;
    this.#frame = frame;
    const passed = course.byPacket.get(moment.packet?.id ?? 0) ?? [];
    const visited = new Set(passed.filter(({ index }) => index <= cursor).map(({ place }) => place));
    const touched = touchedAt(course, cursor, this.#store.state.grain);
    for (const layer of [this.#layers.bridges, this.#layers.elements]) {
      layer
        .selectAll<SVGGElement, SceneElement>("g")
        .classed("visited", ({ id }) => visited.has(id))
        .classed("touched", ({ id }) => touched.has(id))
        .classed("active", ({ id }) => id === frame.place)
        .attr("data-tone", ({ id }) => (id === frame.place ? frame.glyph.tone : null));
    }
    this.#layers.boxes
      .selectAll<SVGGElement, { id: string }>("g")
      .classed("active", ({ id }) => id === frame.namespace);
    this.#packet.draw(frame, before, moment.towards === undefined ? layout.boxes.get(frame.place) : undefined, millis);
    this.#summary.textContent = summaryOf(scene.nodes.length + scene.tiles.length, frame);
  }
}

function summaryOf(nodes: number, { namespace, glyph, clones }: Frame): string {
  const others = clones.length === 0 ? "" : ` ${clones.length} more on their way.`;
  return `${nodes} ${nodes === 1 ? "node" : "nodes"}. The packet is in ${namespace}: ${toneWords[glyph.tone]}.${others}`;
}

/** The state that the step, or the stop, looked into. */
function touchedAt({ moments, stops }: Course, cursor: number, grain: State["grain"]): ReadonlySet<string> {
  const first = grain === "hop" ? (stops[moments[cursor]?.stop ?? 0]?.first ?? cursor) : cursor;
  return new Set(moments.slice(first, cursor + 1).flatMap(({ touches }) => (touches === undefined ? [] : [touches])));
}

/** Where the story takes place, and in a large cluster as many of the other nodes below it as the stage has room for. */
function story({ bounds, story: box }: View["layout"], shape: number): Box {
  const peek = 96;
  if (bounds.height <= box.height * 1.3) return bounds;
  const width = Math.max(box.width, Math.min(bounds.width, box.width * 1.3));
  return { ...box, width, height: Math.min(bounds.height, Math.max(box.height + peek, width * shape)) };
}

function grown({ x, y, width, height }: Box, by: number): Box {
  return { x: x - by, y: y - by, width: width + 2 * by, height: height + 2 * by };
}
