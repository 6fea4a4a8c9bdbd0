import type { Box, Point } from "./layout.ts";
import type { SceneTile } from "./scene.ts";
import type { Slots } from "./slots.ts";

/*
 *  zone-a · 32 more nodes      zone-b · 33 more nodes      One block for each zone, as wide as a node,
 *  ┌──┐┌──┐┌──┐┌──┐            ┌──┐┌──┐┌──┐┌──┐            side by side below the story.
 *  │··││··││··││··│            │··││··││··││··│            A dot is a pod.
 *  └──┘└──┘└──┘└──┘            └──┘└──┘└──┘└──┘
 */

export const tile = { width: 78, height: 46, gap: 8, title: 30 } as const;
const zoneGap = 26;
const dotArea = { left: 6, top: 20, bottom: 5 } as const;
const widestPitch = 7;

export function tileBoxId(name: string): string {
  return `tile:${name}`;
}

export function zoneBoxId(zone: string): string {
  return `zone:${zone}`;
}

/** The tiles of each zone; those of nodes without one stand together under an empty name. */
export function zonesOf(tiles: readonly SceneTile[]): ReadonlyMap<string, readonly SceneTile[]> {
  const zones = new Map<string, SceneTile[]>();
  for (const one of tiles) {
    const zone = zones.get(one.zone ?? "");
    if (zone) zone.push(one);
    else zones.set(one.zone ?? "", [one]);
  }
  return zones;
}

/** Places the rest of the cluster below `y`, zone by zone, in columns that are `pitch` wide. */
export function placeTiles(
  boxes: Map<string, Box>,
  tiles: readonly SceneTile[],
  slots: Slots,
  y: number,
  pitch: number,
  columns: number,
): void {
  const zones = zonesOf(tiles);
  const width = zones.size < columns ? (columns * pitch) / Math.max(1, zones.size) : pitch;
  const perRow = Math.max(1, Math.floor((width - zoneGap + tile.gap) / (tile.width + tile.gap)));
  const zoneSlots = slots.take("zones", [...zones.keys()]);
  const tops = new Map<number, number>();
  let top = y;
  for (const [zone, slot] of [...zoneSlots].toSorted(([, a], [, b]) => a - b)) {
    const band = Math.floor(slot / columns);
    if (!tops.has(band)) tops.set(band, top);
    const x = (slot % columns) * width;
    const bottom = placeZone(boxes, zone, zones.get(zone) ?? [], slots, { x, y: tops.get(band) ?? top }, perRow);
    top = Math.max(top, bottom + zoneGap);
  }
}

function placeZone(
  boxes: Map<string, Box>,
  zone: string,
  tiles: readonly SceneTile[],
  slots: Slots,
  { x, y }: Point,
  perRow: number,
): number {
  const places = slots.take(
    `tiles of ${zone}`,
    tiles.map(({ name }) => name),
  );
  let rows = 0;
  for (const [name, slot] of places) {
    const row = Math.floor(slot / perRow);
    rows = Math.max(rows, row + 1);
    boxes.set(tileBoxId(name), {
      x: x + (slot % perRow) * (tile.width + tile.gap),
      y: y + tile.title + row * (tile.height + tile.gap),
      width: tile.width,
      height: tile.height,
    });
  }
  const width = Math.min(perRow, Math.max(3, places.size)) * (tile.width + tile.gap) - tile.gap;
  boxes.set(zoneBoxId(zone), { x, y, width, height: tile.title + rows * (tile.height + tile.gap) - tile.gap });
  return y + tile.title + rows * (tile.height + tile.gap) - tile.gap;
}

/** The inside of a tile, below its name. */
export function tileInside({ x, y, width, height }: Box): Box {
  return {
    x: x + dotArea.left,
    y: y + dotArea.top,
    width: width - 2 * dotArea.left,
    height: height - dotArea.top - dotArea.bottom,
  };
}

export interface DotGrid {
  readonly pitch: number;
  readonly perRow: number;
}

/** The grid in which `count` dots fill a box: as wide as they may be, as narrow as they must. */
export function dotGrid({ width, height }: Box, count: number): DotGrid {
  let pitch: number = widestPitch;
  while (pitch > 2 && Math.floor(width / pitch) * Math.max(1, Math.floor(height / pitch)) < count) pitch -= 0.5;
  return { pitch, perRow: Math.max(1, Math.floor(width / pitch)) };
}

/** The middle of dot `index`. */
export function dotAt({ x, y }: Box, { pitch, perRow }: DotGrid, index: number): Point {
  return { x: x + ((index % perRow) + 0.5) * pitch, y: y + (Math.floor(index / perRow) + 0.5) * pitch };
}

/** The dot that stands at a point of the box; undefined beside the last one. */
export function dotUnder(box: Box, { pitch, perRow }: DotGrid, count: number, point: Point): number | undefined {
  const [column, row] = [Math.floor((point.x - box.x) / pitch), Math.floor((point.y - box.y) / pitch)];
  const index = row * perRow + column;
  return column < 0 || column >= perRow || row < 0 || index >= count ? undefined : index;
}
