import type { Scene, SceneElement, SceneNamespace, SceneNode } from "./scene.ts";
import { Slots } from "./slots.ts";
import { placeTiles } from "./tiles.ts";

/*
 *  ┌ node ─────────────────────┐   Nodes stand side by side; y = 0 is the top of their hosts.
 *  │ ┌ pod ────┐  ┌ pod ────┐  │   Pods grow upwards in rows of two, so that another pod moves nothing.
 *  │ │ process │  │         │  │   Interfaces sit on the border that they lead through, a pod's host end
 *  │ └──[eth0]─┘  └──[eth0]─┘  │   under its pod.
 *  │ ┌─[veth]─── host ─[veth]┐ │
 *  │ │ ======= bridge ====== │ │
 *  │ │    <routes and rules> │ │
 *  │ └────────[eth0]─────────┘ │
 *  └───────────────────────────┘
 *    ── switches, routers and hosts outside below ──
 *    ▫▫▫▫ tiles: nodes that no packet saw ▫▫▫▫   Pods that no packet saw are chips on top of their node; where
 *                                 they are many, all pods of the node are dots there.
 */

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Box extends Point {
  readonly width: number;
  readonly height: number;
}

export interface Layout {
  /** By `nodeBoxId`, namespace name or element id. */
  readonly boxes: ReadonlyMap<string, Box>;
  readonly bounds: Box;
  /** Without the tiles: where the story takes place. */
  readonly story: Box;
  /** Given back in for the next trace, nothing that stays moves. */
  readonly slots: Slots;
}

const columns = 2;
const gap = 12;
const padding = 16;
const titleHeight = 28;
const pod = { width: 150, height: 112, lift: 42, rowPitch: 112 + 30 } as const;
const host = { width: columns * pod.width + (columns - 1) * gap, height: 130 } as const;
const nodeWidth = host.width + 2 * padding;
const nodePitch = nodeWidth + 40;
const chip = { width: 72, height: 22 } as const;
const fabricGap = 48;
const switchHeight = 58;
const idleChip = { width: 98, height: 20, gap: 6, perRow: 3 } as const;
/** More idle pods than these are dots. */
export const idleShown = 6;
const dotPitch = 7;

export function nodeBoxId(name: string): string {
  return `node:${name}`;
}

/** Where the pods of a node are dots. */
export function dotsBoxId(node: string): string {
  return `dots:${node}`;
}

const stateWidth: Readonly<Record<string, number>> = { FDB: 34, conntrack: 72 };

type Boxes = Map<string, Box>;

/** Places every box of a scene. */
export function layout(scene: Scene, previous?: Slots): Layout {
  const boxes: Boxes = new Map();
  const slots = new Slots(previous);
  const peers = peersOf(scene);
  const nodeSlots = slots.take(
    "nodes",
    scene.nodes.map(({ name }) => name),
  );
  for (const node of scene.nodes) placeNode(boxes, node, (nodeSlots.get(node.name) ?? 0) * nodePitch, slots, peers);
  const below = placeFabric(boxes, scene, slots, peers);
  const story = boundsOf([...boxes.values()]);
  placeTiles(boxes, scene.tiles, slots, below, nodePitch, Math.max(3, scene.nodes.length));
  return { boxes, bounds: boundsOf([...boxes.values()]), story, slots };
}

function peersOf(scene: Scene): ReadonlyMap<string, string> {
  const peers = new Map<string, string>();
  for (const { from, to, kind } of scene.links) if (kind === "cable") peers.set(from, to).set(to, from);
  return peers;
}

function placeNode(boxes: Boxes, node: SceneNode, x: number, slots: Slots, peers: ReadonlyMap<string, string>): void {
  const left = x + padding;
  const podSlots = slots.take(
    `pods of ${node.name}`,
    node.pods.map(({ name }) => name),
  );
  let top = -titleHeight;
  for (const one of node.pods) {
    const slot = podSlots.get(one.name) ?? 0;
    const box = {
      x: left + (slot % columns) * (pod.width + gap),
      y: -pod.lift - pod.height - Math.floor(slot / columns) * pod.rowPitch,
      width: pod.width,
      height: pod.height,
    };
    top = Math.min(top, box.y - titleHeight - 4);
    placeMachine(boxes, one, box, "bottom");
  }
  top = node.idle.length > idleShown ? placeDots(boxes, node, left, top) : placeIdle(boxes, node.idle, left, top);
  const hostBox = { x: left, y: 0, width: host.width, height: host.height };
  placeHost(boxes, node, hostBox, slots, podSlots, peers);
  boxes.set(nodeBoxId(node.name), { x, y: top, width: nodeWidth, height: host.height + padding + 8 - top });
}

/** Chips in rows, upwards from `top`; returns the new top. */
function placeIdle(boxes: Boxes, idle: readonly string[], left: number, top: number): number {
  const rows = Math.ceil(idle.length / idleChip.perRow);
  const pitch = idleChip.height + idleChip.gap;
  for (const [index, name] of idle.entries()) {
    const x = left + (index % idleChip.perRow) * (idleChip.width + idleChip.gap);
    const y = top + titleHeight - (rows - Math.floor(index / idleChip.perRow)) * pitch;
    boxes.set(name, { x, y, width: idleChip.width, height: idleChip.height });
  }
  return top - rows * pitch;
}

/** Room for a dot per pod, the busy ones too, upwards from `top`; returns the new top. */
function placeDots(boxes: Boxes, { name, pods, idle }: SceneNode, x: number, top: number): number {
  const perRow = Math.floor(host.width / dotPitch);
  const height = Math.ceil((pods.length + idle.length) / perRow) * dotPitch;
  boxes.set(dotsBoxId(name), { x, y: top + titleHeight - height - 6, width: host.width, height });
  return top - height - 6;
}

/** A pod or a host outside: interfaces on one border, the process at the far end. */
function placeMachine(boxes: Boxes, machine: SceneNamespace, box: Box, border: "top" | "bottom"): void {
  boxes.set(machine.name, box);
  const x = box.x + box.width / 2;
  const [processY, stackY] = border === "bottom" ? [51, 82] : [78, 46];
  for (const { id, kind } of machine.elements) {
    if (kind === "process") boxes.set(id, around(x, box.y + processY, 92, 26));
    if (kind === "stack") boxes.set(id, around(x, box.y + stackY, 26, 26));
    if (kind === "state") boxes.set(id, around(box.x + 34, box.y + stackY, 52, 19));
  }
  placeRow(boxes, machine.elements.filter(isDevice), box, border === "bottom" ? box.y + box.height : box.y);
}

function placeHost(
  boxes: Boxes,
  node: SceneNode,
  box: Box,
  slots: Slots,
  podSlots: ReadonlyMap<string, number>,
  peers: ReadonlyMap<string, string>,
): void {
  boxes.set(node.host.name, box);
  const podOf = new Map(node.pods.flatMap(({ name, elements }) => elements.map(({ id }) => [id, name])));
  const others: string[] = [];
  for (const { id, kind, name } of node.host.elements) {
    const podSlot = podSlots.get(podOf.get(peers.get(id) ?? "") ?? "");
    if (kind === "process") boxes.set(id, around(box.x + 60, box.y + 84, 92, 24));
    else if (kind === "stack") boxes.set(id, around(box.x + box.width / 2, box.y + 86, 28, 28));
    else if (kind === "bridge") boxes.set(id, { x: box.x + 14, y: box.y + 32, width: box.width - 28, height: 26 });
    else if (kind === "tunnel") boxes.set(id, around(box.x + box.width - 56, box.y + 86, chip.width + 8, chip.height));
    else if (kind === "state")
      boxes.set(id, around(stateX(box, name), box.y + (name === "FDB" ? 45 : 110), stateWidth[name] ?? 60, 19));
    else if (podSlot === undefined) others.push(id);
    else boxes.set(id, around(hostEndX(box, podSlot), box.y, chip.width, chip.height));
  }
  for (const [id, slot] of slots.take(`uplinks of ${node.name}`, others)) {
    const side = slot % 2 === 0 ? 1 : -1;
    const x = box.x + box.width / 2 + side * Math.ceil(slot / 2) * (chip.width + 8);
    boxes.set(id, around(x, box.y + box.height, chip.width, chip.height));
  }
}

/** The connections of a host stand in its lower left corner, a bridge's addresses at its right end. */
function stateX(box: Box, name: string): number {
  return name === "FDB" ? box.x + box.width - 38 : box.x + 50;
}

/** Host ends of the first row of pods stand under them; those of further rows on the gaps beside. */
function hostEndX(box: Box, podSlot: number): number {
  const column = box.x + (podSlot % columns) * (pod.width + gap) + pod.width / 2;
  return podSlot < columns ? column : column + (podSlot % columns === 0 ? 1 : -1) * (pod.width / 2 + gap / 2 - 4);
}

/** Returns the lower end of what it placed. */
function placeFabric(boxes: Boxes, scene: Scene, slots: Slots, peers: ReadonlyMap<string, string>): number {
  const width = Math.max(2, scene.nodes.length) * nodePitch - (nodePitch - nodeWidth);
  let y = scene.nodes.length === 0 ? 0 : host.height + padding + fabricGap;
  for (const segment of scene.fabric.filter(hasBridge)) {
    placeSwitch(boxes, segment, { x: 0, y, width, height: switchHeight }, peers);
    y += switchHeight + fabricGap;
  }
  const machines = scene.fabric.filter((one) => !hasBridge(one));
  const places = slots.take(
    "outside",
    machines.map(({ name }) => name),
  );
  for (const machine of machines) {
    const x = (places.get(machine.name) ?? 0) * (pod.width + 40);
    placeMachine(boxes, machine, { x, y, width: pod.width, height: pod.height }, "top");
  }
  return machines.length > 0 ? y + pod.height + padding : y - padding;
}

function placeSwitch(boxes: Boxes, segment: SceneNamespace, box: Box, peers: ReadonlyMap<string, string>): void {
  boxes.set(segment.name, box);
  const spare: SceneElement[] = [];
  for (const element of segment.elements) {
    const peer = boxes.get(peers.get(element.id) ?? "");
    if (element.kind === "bridge")
      boxes.set(element.id, { ...box, x: box.x + 14, y: box.y + 24, width: box.width - 28, height: 24 });
    else if (element.kind === "state")
      boxes.set(
        element.id,
        around(box.x + box.width - 38, box.y + (element.name === "FDB" ? 36 : 13), stateWidth[element.name] ?? 60, 19),
      );
    else if (element.kind === "stack") boxes.set(element.id, around(box.x + box.width - 90, box.y + 13, 18, 18));
    else if (peer === undefined) spare.push(element);
    else boxes.set(element.id, around(peer.x + peer.width / 2, box.y, chip.width, chip.height));
  }
  placeRow(boxes, spare, box, box.y + box.height);
}

function placeRow(boxes: Boxes, elements: readonly SceneElement[], box: Box, y: number): void {
  const pitch = box.width / Math.max(1, elements.length);
  for (const [index, { id }] of elements.entries()) {
    boxes.set(id, around(box.x + (index + 0.5) * pitch, y, Math.min(chip.width, pitch - 4), chip.height));
  }
}

function isDevice({ kind }: SceneElement): boolean {
  return kind === "interface" || kind === "bridge" || kind === "tunnel";
}

function hasBridge({ elements }: SceneNamespace): boolean {
  return elements.some(({ kind }) => kind === "bridge");
}

function around(x: number, y: number, width: number, height: number): Box {
  return { x: x - width / 2, y: y - height / 2, width, height };
}

/** The smallest box that holds all. */
export function boundsOf(boxes: readonly Box[]): Box {
  if (boxes.length === 0) return { x: 0, y: 0, width: 1, height: 1 };
  const x = Math.min(...boxes.map((box) => box.x));
  const y = Math.min(...boxes.map((box) => box.y));
  const right = Math.max(...boxes.map((box) => box.x + box.width));
  const bottom = Math.max(...boxes.map((box) => box.y + box.height));
  return { x, y, width: right - x, height: bottom - y };
}

export function centre(box: Box): Point {
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}
