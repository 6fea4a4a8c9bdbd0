import { expect, test } from "vitest";
import { layout } from "../../src/viz/layout.ts";
import { podRoles } from "../../src/viz/roles.ts";
import { buildScene } from "../../src/viz/scene.ts";
import { dotAt, dotGrid, dotUnder, tileBoxId, zoneBoxId } from "../../src/viz/tiles.ts";
import { fixture } from "./fixture.ts";

const curl = fixture("curl-across-nodes");

/** So many nodes, every third in another zone, with pods on each. */
function inventory(nodes: number, pods = 3) {
  const names = Array.from({ length: nodes }, (_, index) => `n${index}`);
  return {
    nodes: names.map((name, index) => ({ name, zone: `zone-${index % 3}` })),
    pods: names.flatMap((node) => Array.from({ length: pods }, (_, index) => ({ name: `x/${node}-${index}`, node }))),
    services: [],
  };
}

test("in a small cluster all nodes are drawn in full, in a large one the rest are tiles by zone", () => {
  expect(buildScene(curl.flows, inventory(5)).tiles).toEqual([]);
  expect(buildScene(curl.flows, inventory(5)).nodes.map(({ name }) => name)).toContain("n4");
  const { tiles } = buildScene(curl.flows, inventory(12));
  expect(tiles.map(({ zone, name }) => `${zone} ${name}`).slice(0, 5)).toEqual([
    "zone-0 n0",
    "zone-0 n3",
    "zone-0 n6",
    "zone-0 n9",
    "zone-1 n1",
  ]);
});

test("tiles stand inside their zone, zones beside each other, and another node moves no tile", () => {
  const before = layout(buildScene(curl.flows, inventory(60)));
  const zones = [0, 1, 2].map((zone) => before.boxes.get(zoneBoxId(`zone-${zone}`)));
  for (const [index, zone] of zones.entries()) {
    if (zone === undefined) throw new Error(`zone ${index} has no box`);
    const next = zones[index + 1];
    if (next) expect(next.x).toBeGreaterThanOrEqual(zone.x + zone.width);
    for (let node = index; node < 60; node += 3) {
      const tile = before.boxes.get(tileBoxId(`n${node}`));
      expect(
        tile && tile.x >= zone.x && tile.y >= zone.y && tile.y + tile.height <= zone.y + zone.height,
        `n${node}`,
      ).toBe(true);
    }
  }
  const after = layout(buildScene(curl.flows, inventory(61)), before.slots);
  for (const [id, box] of before.boxes) if (id.startsWith("tile:")) expect(after.boxes.get(id), id).toEqual(box);
});

test("3,000 pods on 100 nodes are all placed; what it costs is printed", () => {
  const scene = buildScene(curl.flows, inventory(100, 30));
  const start = process.cpuUsage();
  layout(scene);
  const { user } = process.cpuUsage(start);
  console.log(`layout of 100 nodes: ${(user / 1000).toFixed(1)} ms of CPU`);
  expect(scene.tiles.reduce((sum, { pods }) => sum + pods.length, 0)).toBe(3000);
});

test("dots fill their box, however many they are, and each is found where it stands", () => {
  const box = { x: 100, y: 50, width: 66, height: 21 };
  for (const count of [1, 27, 30, 110]) {
    const grid = dotGrid(box, count);
    for (let index = 0; index < count; index++) {
      const at = dotAt(box, grid, index);
      expect(at.x < box.x + box.width && at.y < box.y + box.height, `${index} of ${count}`).toBe(true);
      expect(dotUnder(box, grid, count, at)).toBe(index);
    }
    expect(dotUnder(box, grid, count, { x: box.x - 1, y: box.y + 1 })).toBeUndefined();
  }
  expect(dotUnder(box, dotGrid(box, 1), 1, { x: 160, y: 52 })).toBeUndefined();
});

test("pods have a role: who sends, who answers, who is on the way", () => {
  const roles = podRoles({ ...curl, answeredBy: "shop/web-1" });
  expect(roles.get("shop/client-0")).toBe("client");
  expect(roles.get("shop/web-1")).toBe("server");
  expect(roles.get("kube-system/coredns-0")).toBe("path");
  expect(roles.get("shop/other")).toBeUndefined();
});
