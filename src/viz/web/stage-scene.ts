import { type Selection, select } from "d3";
import { type Box, centre, idleShown, nodeBoxId, tileBoxId } from "../layout.ts";
import type { SceneElement } from "../scene.ts";
import { fitted, outline, polyline, roundedRect } from "../shapes.ts";
import type { View } from "./store.ts";

export type Layer = Selection<SVGGElement, unknown, null, undefined>;

type Role = "node" | "host" | "pod" | "idle" | "fabric";

interface PlacedBox {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly box: Box;
  /** Pods that there is no room for. */
  readonly hidden: number;
}

/** Draws nodes, pods and what lies between the nodes. */
export function drawBoxes(layer: Layer, view: View): void {
  layer
    .selectAll<SVGGElement, PlacedBox>("g")
    .data(placedBoxes(view), ({ id }) => id)
    .join((enter) => {
      const group = enter.append("g");
      group.append("path");
      group.append("text").attr("class", "name");
      group.append("text").attr("class", "kind");
      group.append("title");
      return group;
    })
    .attr("class", ({ role }) => `box box-${role}`)
    .order()
    .each(function (placed) {
      const group = select(this);
      const { name, kind } = labels(placed);
      group.select("path").attr("d", roundedRect(placed.box, placed.role === "node" ? 14 : 9));
      group.select("title").text(`${placed.role} ${placed.name}`);
      for (const [selector, label] of [
        [".name", name],
        [".kind", kind],
      ] as const) {
        group.select(selector).attr("x", label.x).attr("y", label.y).attr("text-anchor", label.anchor).text(label.text);
      }
    });
}

function placedBoxes({ scene, layout }: View): PlacedBox[] {
  const all: readonly (Omit<PlacedBox, "box" | "hidden"> & Partial<PlacedBox>)[] = [
    ...scene.nodes.map(({ name, idle }) => ({
      id: nodeBoxId(name),
      name,
      role: "node" as const,
      hidden: Math.max(0, idle.length - idleShown),
    })),
    ...scene.nodes.map(({ host: { name } }) => ({ id: name, name, role: "host" as const })),
    ...scene.nodes.flatMap(({ pods }) => pods.map(({ name }) => ({ id: name, name, role: "pod" as const }))),
    ...scene.nodes.flatMap(({ idle }) => idle.map((name) => ({ id: name, name, role: "idle" as const }))),
    ...scene.fabric.map(({ name }) => ({ id: name, name, role: "fabric" as const })),
  ];
  return all.flatMap((one) => {
    const box = layout.boxes.get(one.id);
    return box === undefined ? [] : [{ hidden: 0, ...one, box }];
  });
}

interface Label {
  readonly x: number;
  readonly y: number;
  readonly anchor: "start" | "middle" | "end";
  readonly text: string;
}

function labels({ name, role, box, hidden }: PlacedBox): { readonly name: Label; readonly kind: Label } {
  const [left, right] = [box.x + 12, box.x + box.width - 12];
  const slash = name.indexOf("/");
  switch (role) {
    case "node":
      return {
        name: { x: left, y: box.y + 20, anchor: "start", text: fitted(name, box.width - 70, 8.2) },
        kind: { x: right, y: box.y + 20, anchor: "end", text: hidden > 0 ? `node, ${hidden} more pods` : "node" },
      };
    case "host":
      return {
        name: { x: left, y: box.y, anchor: "start", text: "" },
        kind: { x: right, y: box.y + box.height - 9, anchor: "end", text: "host network" },
      };
    case "pod":
      return {
        name: { x: left, y: box.y + 18, anchor: "start", text: fitted(name.slice(slash + 1), box.width - 24, 7.9) },
        kind: {
          x: left,
          y: box.y + 32,
          anchor: "start",
          text: slash < 0 ? "pod" : fitted(name.slice(0, slash), box.width - 12),
        },
      };
    case "idle":
      return {
        name: {
          x: box.x + box.width / 2,
          y: box.y + 14,
          anchor: "middle",
          text: fitted(name.slice(slash + 1), box.width - 8),
        },
        kind: { x: right, y: box.y, anchor: "end", text: "" },
      };
    case "fabric": {
      const text = fitted(name.replace(/^\((.*)\)$/, "$1"), box.width - 16, 7.7);
      // Machines have their interfaces on top, switches a bar across.
      const y = box.height > 80 ? box.y + box.height - 8 : box.y + 17;
      return { name: { x: left, y, anchor: "start", text }, kind: { x: right, y, anchor: "end", text: "" } };
    }
  }
}

interface Tile {
  readonly id: string;
  readonly name: string;
  readonly zone: string | undefined;
  readonly pods: readonly string[];
  readonly box: Box;
}

/** Draws the nodes that no packet saw, each with a dot per pod. */
export function drawTiles(layer: Layer, { scene, layout: { boxes } }: View): void {
  const tiles = scene.tiles.flatMap(({ name, zone, pods }): readonly Tile[] => {
    const id = tileBoxId(name);
    const box = boxes.get(id);
    return box === undefined ? [] : [{ id, name, zone, pods, box }];
  });
  const [first] = tiles;
  layer
    .selectAll<SVGTextElement, Tile>("text.more")
    .data(first === undefined ? [] : [first])
    .join("text")
    .attr("class", "more")
    .attr("x", 0)
    .attr("y", Math.min(...tiles.map(({ box }) => box.y)) - 8)
    .text(tiles.length === 1 ? "1 more node" : `${tiles.length} more nodes`);
  layer
    .selectAll<SVGGElement, Tile>("g")
    .data(tiles, ({ id }) => id)
    .join((enter) => {
      const group = enter.append("g").attr("class", "tile");
      group.append("path").attr("class", "frame");
      group.append("path").attr("class", "dots");
      group.append("text");
      group.append("title");
      return group;
    })
    .each(function ({ name, zone, pods, box }) {
      const group = select(this);
      group.select(".frame").attr("d", roundedRect(box, 6));
      group.select(".dots").attr("d", dots(box, pods.length));
      group
        .select("text")
        .attr("x", box.x + 6)
        .attr("y", box.y + 14)
        .text(fitted(name, box.width - 10));
      group.select("title").text(`node ${name}${zone === undefined ? "" : ` in ${zone}`}, ${pods.length} pods`);
    });
}

/** A dot per pod, as many as there is room for. */
function dots(box: Box, count: number): string {
  const perRow = Math.floor((box.width - 10) / 7);
  return Array.from({ length: Math.min(count, perRow * 3) }, (_, index) => {
    const x = box.x + 9 + (index % perRow) * 7;
    const y = box.y + 24 + Math.floor(index / perRow) * 7;
    return `M${x - 2},${y}a2,2,0,1,0,4,0a2,2,0,1,0,-4,0`;
  }).join("");
}

export function drawLinks(layer: Layer, { ways }: View): void {
  layer
    .selectAll("path")
    .data(ways.links)
    .join("path")
    .attr("class", ({ kind }) => `link link-${kind}`)
    .attr("d", (link) => polyline(ways.linkPoints(link)));
}

/** Draws the elements of a scene that `wanted` picks. */
export function drawElements(
  layer: Layer,
  { scene, layout: { boxes } }: View,
  wanted: (element: SceneElement) => boolean,
): void {
  const elements = [...scene.nodes.flatMap(({ host, pods }) => [host, ...pods]), ...scene.fabric]
    .flatMap((namespace) => namespace.elements)
    .filter((element) => boxes.has(element.id) && wanted(element));
  const hosts = new Set(scene.nodes.map(({ host }) => host.name));
  layer
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
      group.select("path").attr("d", outline(element.kind, box));
      group.select("title").text(`${element.name} in ${element.namespace}`);
      const label = group.select("text").attr("y", y + 4);
      // The packet's glyph rests on the middle of a bridge, and hides a diamond: their names stand aside.
      if (element.kind === "stack")
        label.attr("x", x + 20).text(box.width < 20 ? "" : hosts.has(element.namespace) ? "routes, rules" : "routes");
      else if (element.kind === "bridge") label.attr("x", box.x + 9).text(fitted(element.name, box.width / 3));
      else
        label
          .attr("x", x)
          .attr("text-anchor", "middle")
          .text(fitted(element.name, box.width - 6));
    });
}
