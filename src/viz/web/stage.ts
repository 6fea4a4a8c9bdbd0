import { type Selection, select, zoom, zoomIdentity } from "d3";
import { type Frame, frameAt } from "../frame.ts";
import { type Box, type Point, centre, nodeBoxId } from "../layout.ts";
import { pointAlong } from "../route.ts";
import type { SceneElement, SceneNamespace } from "../scene.ts";
import { fitted, icons, outline, polyline, roundedRect, toneWords } from "../shapes.ts";
import { icon, reducedMotion, svg } from "./dom.ts";
import type { Loaded, State, Store } from "./store.ts";

type Layer = Selection<SVGGElement, unknown, null, undefined>;

const moveMillis = 240;

/** The picture: nested boxes, the packet on its way, the trail behind it. D3 draws what scene, layout and frame say. */
export class Stage {
  readonly #store: Store;
  readonly #root: SVGSVGElement;
  readonly #world: Layer;
  readonly #boxes: Layer;
  readonly #links: Layer;
  readonly #trail: Layer;
  readonly #elements: Layer;
  readonly #glyph: Layer;
  readonly #summary: HTMLElement;
  readonly #zoom = zoom<SVGSVGElement, unknown>().scaleExtent([0.2, 4]);
  #frame: Frame | undefined;
  #animation = 0;

  constructor(root: HTMLElement, summary: HTMLElement, store: Store) {
    this.#store = store;
    this.#summary = summary;
    this.#root = svg("svg", { class: "stage-svg", role: "img", "aria-labelledby": summary.id });
    root.append(this.#root);
    this.#world = select(this.#root).append("g");
    this.#boxes = this.#world.append("g");
    this.#links = this.#world.append("g").attr("class", "links");
    this.#trail = this.#world.append("g").attr("class", "trail");
    this.#elements = this.#world.append("g");
    this.#glyph = this.#world.append("g").attr("class", "glyph");
    select(this.#root).call(
      this.#zoom.on("zoom", (event: { transform: string }) => this.#world.attr("transform", String(event.transform))),
    );
    new ResizeObserver(() => this.fit()).observe(root);
    store.listen((state, before) => this.#update(state, before));
  }

  /** Shows everything. */
  fit(): void {
    const { loaded } = this.#store.state;
    if (loaded) this.#look(loaded.layout.bounds);
  }

  /** Goes close to where the packet is. */
  focus(): void {
    const { loaded } = this.#store.state;
    const box = loaded?.layout.boxes.get(this.#frame?.namespace ?? "");
    if (box) this.#look({ x: box.x - 60, y: box.y - 60, width: box.width + 120, height: box.height + 120 });
  }

  zoomBy(factor: number): void {
    this.#zoom.scaleBy(select(this.#root), factor);
  }

  #look(box: Box): void {
    const { clientWidth: width, clientHeight: height } = this.#root;
    if (width === 0 || height === 0) return;
    const scale = Math.min(1.6, (width - 24) / box.width, (height - 24) / box.height);
    const { x, y } = centre(box);
    const transform = zoomIdentity.translate(width / 2 - x * scale, height / 2 - y * scale).scale(scale);
    this.#zoom.transform(select(this.#root), transform);
  }

  #update(state: State, before: State): void {
    const { loaded } = state;
    if (!loaded) return;
    if (loaded !== before.loaded) {
      this.#drawScene(loaded);
      this.#frame = undefined;
      this.fit();
    }
    if (loaded !== before.loaded || state.cursor !== before.cursor) this.#drawFrame(loaded, state);
  }

  #drawScene({ scene, layout, ways }: Loaded): void {
    const { boxes } = layout;
    const nodes = scene.nodes.map(({ name }) => ({ id: nodeBoxId(name), name, role: "node" }));
    const machine = (role: string) => (namespace: SceneNamespace) => ({
      id: namespace.name,
      name: namespace.name,
      role,
    });
    const namespaces = [
      ...scene.nodes.map(({ host }) => machine("host")(host)),
      ...scene.nodes.flatMap(({ pods }) => pods.map(machine("pod"))),
      ...scene.fabric.map(machine("fabric")),
    ];
    const placed = [...nodes, ...namespaces].flatMap((one) => {
      const box = boxes.get(one.id);
      return box ? [{ ...one, box }] : [];
    });
    this.#boxes
      .selectAll<SVGGElement, (typeof placed)[number]>("g")
      .data(placed, (one) => one.id)
      .join((enter) => {
        const group = enter.append("g");
        group.append("path");
        group.append("text").attr("class", "name");
        group.append("text").attr("class", "kind");
        group.append("title");
        return group;
      })
      .attr("class", (one) => `box box-${one.role}`)
      .each(function ({ box, name, role }) {
        const group = select(this);
        const slash = role === "pod" ? name.indexOf("/") : -1;
        group.select("path").attr("d", roundedRect(box, role === "node" ? 14 : 9));
        group.select("title").text(`${role} ${name}`);
        const left = role === "host" ? box.x + box.width - 10 : box.x + 12;
        const nameY = role === "node" ? box.y + 20 : box.y + 18;
        group
          .select(".name")
          .attr("x", left)
          .attr("y", nameY)
          .text(role === "host" ? "" : fitted(name.slice(slash + 1), box.width - 12));
        group
          .select(".kind")
          .attr("x", role === "host" ? left : role === "node" ? box.x + box.width - 12 : left)
          .attr("y", role === "node" ? nameY : role === "host" ? box.y + box.height - 9 : nameY + 14)
          .attr("text-anchor", role === "host" || role === "node" ? "end" : "start")
          .text(
            role === "pod"
              ? fitted(name.slice(0, slash), 90)
              : role === "node"
                ? "node"
                : role === "host"
                  ? "host network"
                  : "between nodes",
          );
      });
    this.#links
      .selectAll("path")
      .data(ways.links)
      .join("path")
      .attr("class", (one) => `link link-${one.kind}`)
      .attr("d", (one) => polyline(ways.linkPoints(one)));
    const elements = [...scene.nodes.flatMap(({ host, pods }) => [host, ...pods]), ...scene.fabric]
      .flatMap((namespace) => namespace.elements)
      .filter(({ id }) => boxes.has(id));
    this.#elements
      .selectAll<SVGGElement, SceneElement>("g")
      .data(elements, ({ id }) => id)
      .join((enter) => {
        const group = enter.append("g");
        group.append("path");
        group.append("text");
        group.append("title");
        return group;
      })
      .attr("class", ({ kind }) => `element element-${kind}`)
      .each(function (element) {
        const box = boxes.get(element.id) as Box;
        const group = select(this);
        const { x, y } = centre(box);
        const wide = element.kind === "stack";
        group.select("path").attr("d", outline(element.kind, box));
        group.select("title").text(`${element.name} in ${element.namespace}`);
        group
          .select("text")
          .attr("x", wide ? x + 20 : x)
          .attr("y", y + 4)
          .attr("text-anchor", wide ? "start" : "middle")
          .text(wide ? "routes, rules" : fitted(element.name, box.width - 6));
      });
  }

  #drawFrame({ course, ways, scene }: Loaded, { cursor, playing, speed }: State): void {
    const frame = frameAt(course, ways, cursor);
    if (!frame) return;
    const before = this.#frame;
    this.#frame = frame;
    const visited = new Set(
      course.moments
        .slice(0, cursor + 1)
        .filter((one) => one.packet === course.moments[cursor]?.packet)
        .map((one) => one.place),
    );
    this.#elements
      .selectAll<SVGGElement, SceneElement>("g")
      .classed("visited", ({ id }) => visited.has(id))
      .classed("active", ({ id }) => id === frame.place)
      .attr("data-tone", ({ id }) => (id === frame.place ? frame.glyph.tone : null));
    this.#boxes.selectAll<SVGGElement, { id: string }>("g").classed("active", ({ id }) => id === frame.namespace);
    this.#trail
      .selectAll<SVGGElement, Frame["trail"][number]>("g")
      .data(frame.trail)
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
    this.#drawGlyph(frame);
    const last = frame.trail.at(-1)?.points ?? [];
    const steps = before === undefined ? 0 : Math.abs(frame.trail.length - before.trail.length);
    if (before && steps > 0 && last.length > 1 && cursor > 0)
      this.#travel(before.glyph.at, frame, playing ? moveMillis / speed : moveMillis);
    else this.#put(frame.glyph.at);
    this.#summary.textContent = `${scene.nodes.length} nodes. The packet is in ${frame.namespace}: ${toneWords[frame.glyph.tone]}.`;
  }

  #drawGlyph({ glyph }: Frame): void {
    this.#glyph.attr("data-tone", glyph.tone);
    const node = this.#glyph.node() as SVGGElement;
    const inner = svg("g", {}, svg("rect", { x: -17, y: -12, width: 34, height: 24, rx: 7 }));
    const sign = icon(icons[glyph.tone], "sign");
    for (const [name, value] of Object.entries({ x: -8, y: -8, width: 16, height: 16 }))
      sign.setAttribute(name, String(value));
    inner.append(sign);
    node.replaceChildren(inner);
  }

  /** Moves the glyph along the new piece of the trail. */
  #travel(from: Point, frame: Frame, millis: number): void {
    const points = forwardPoints(from, frame);
    if (reducedMotion.matches || millis < 20 || document.hidden) return this.#put(frame.glyph.at);
    cancelAnimationFrame(this.#animation);
    const start = performance.now();
    const tick = (now: number): void => {
      const t = Math.min(1, (now - start) / millis);
      this.#put(pointAlong(points, t * (2 - t)));
      if (t < 1) this.#animation = requestAnimationFrame(tick);
    };
    this.#animation = requestAnimationFrame(tick);
  }

  #put({ x, y }: Point): void {
    cancelAnimationFrame(this.#animation);
    this.#glyph.attr("transform", `translate(${x},${y})`);
  }
}

/** The part of the trail that lies ahead of where the glyph was, or the straight way where it was elsewhere. */
function forwardPoints(from: Point, { trail, glyph }: Frame): readonly Point[] {
  const all = trail.flatMap(({ points }) => points);
  const at = all.findLastIndex(({ x, y }) => x === from.x && y === from.y);
  return at >= 0 ? all.slice(at) : [from, glyph.at];
}
