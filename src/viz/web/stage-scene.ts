import { type Selection, select } from "d3";
import { type Box, centre, dotsBoxId, nodeBoxId } from "../layout.ts";
import type { PodRole } from "../roles.ts";
import type { SceneElement } from "../scene.ts";
import { fitted, outline, polyline, roundedRect } from "../shapes.ts";
import { zoneBoxId, zonesOf } from "../tiles.ts";
import type { View } from "./store.ts";

export type Layer = Selection<SVGGElement, unknown, null, undefined>;

type Role = "node" | "host" | "pod" | "idle" | "fabric";

interface PlacedBox {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly box: Box;
  /** What it is, in a word or two. */
  readonly about: string;
}

/** Draws nodes, pods and what lies between the nodes. */
export function drawBoxes(layer: Layer, view: View, roles: ReadonlyMap<string, PodRole>): void {
  layer
    .selectAll<SVGGElement, PlacedBox>("g")
    .data(placedBoxes(view, roles), ({ id }) => id)
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
      group.select("title").text(`${placed.role === "idle" ? "pod" : placed.role} ${placed.name}`);
      for (const [selector, label] of [
        [".name", name],
        [".kind", kind],
      ] as const) {
        group.select(selector).attr("x", label.x).attr("y", label.y).attr("text-anchor", label.anchor).text(label.text);
      }
    });
}

function placedBoxes({ scene, layout }: View, roles: ReadonlyMap<string, PodRole>): PlacedBox[] {
  const all: readonly (Omit<PlacedBox, "box" | "about"> & Partial<PlacedBox>)[] = [
    ...scene.nodes.map(({ name, pods, idle }) => ({
      id: nodeBoxId(name),
      name,
      role: "node" as const,
      about: layout.boxes.has(dotsBoxId(name)) ? `node, ${pods.length + idle.length} pods` : "node",
    })),
    ...scene.nodes.map(({ host: { name, elements } }) => ({
      id: name,
      name,
      role: "host" as const,
      about: elements.length > 0 ? "host network" : "host network, where no packet came",
    })),
    ...scene.nodes.flatMap(({ pods }) =>
      pods.map(({ name }) => ({ id: name, name, role: "pod" as const, about: podWords(name, roles.get(name)) })),
    ),
    ...scene.nodes.flatMap(({ idle }) => idle.map((name) => ({ id: name, name, role: "idle" as const }))),
    ...scene.fabric.map(({ name }) => ({ id: name, name, role: "fabric" as const })),
  ];
  return all.flatMap((one) => {
    const box = layout.boxes.get(one.id);
    return box === undefined ? [] : [{ about: "", ...one, box }];
  });
}

/** The namespace of a pod, and its part in the story. */
function podWords(name: string, role: PodRole | undefined): string {
  const slash = name.indexOf("/");
  const namespace = slash < 0 ? "pod" : name.slice(0, slash);
  return role === "client" || role === "server" ? `${namespace} · ${role}` : namespace;
}

interface Label {
  readonly x: number;
  readonly y: number;
  readonly anchor: "start" | "middle" | "end";
  readonly text: string;
}

function labels({ name, role, box, about }: PlacedBox): { readonly name: Label; readonly kind: Label } {
  const [left, right] = [box.x + 12, box.x + box.width - 12];
  const slash = name.indexOf("/");
  switch (role) {
    case "node":
      return {
        name: { x: left, y: box.y + 20, anchor: "start", text: fitted(name, box.width - 70, 8.2) },
        kind: { x: right, y: box.y + 20, anchor: "end", text: about },
      };
    case "host":
      return {
        name: { x: left, y: box.y, anchor: "start", text: "" },
        kind: { x: right, y: box.y + box.height - 9, anchor: "end", text: about },
      };
    case "pod":
      return {
        name: { x: left, y: box.y + 18, anchor: "start", text: fitted(name.slice(slash + 1), box.width - 24, 7.9) },
        kind: {
          x: left,
          y: box.y + 32,
          anchor: "start",
          text: fitted(about, box.width - 12, 6),
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

interface Zone {
  readonly id: string;
  readonly text: string;
  readonly box: Box;
}

/** Writes over the nodes that no packet saw how many they are, zone by zone. */
export function drawZones(layer: Layer, { scene, layout: { boxes } }: View): void {
  const zones = [...zonesOf(scene.tiles)].flatMap(([zone, tiles]): readonly Zone[] => {
    const box = boxes.get(zoneBoxId(zone));
    const pods = tiles.reduce((sum, tile) => sum + tile.pods.length, 0);
    const text = `${tiles.length} more ${tiles.length === 1 ? "node" : "nodes"}, ${pods.toLocaleString("en")} pods`;
    return box === undefined ? [] : [{ id: zone, text: zone === "" ? text : `${zone} · ${text}`, box }];
  });
  layer
    .selectAll<SVGTextElement, Zone>("text")
    .data(zones, ({ id }) => id)
    .join("text")
    .attr("class", "zone")
    .attr("x", ({ box }) => box.x)
    .attr("y", ({ box }) => box.y + 18)
    .text(({ text }) => text);
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
      else if (element.kind === "state")
        label
          .attr("x", x)
          .attr("y", y + 6)
          .attr("text-anchor", "middle")
          .text(element.name);
      else if (element.kind === "bridge") label.attr("x", box.x + 9).text(fitted(element.name, box.width / 3));
      else
        label
          .attr("x", x)
          .attr("text-anchor", "middle")
          .text(fitted(element.name, box.width - 6));
    });
}
