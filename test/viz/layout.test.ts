import { expect, test } from "vitest";
import { type Box, layout, nodeBoxId } from "../../src/viz/layout.ts";
import { type Scene, type SceneNode, buildScene, elementId, processId, stackId } from "../../src/viz/scene.ts";
import { fixture } from "./fixture.ts";

test("every element has a box, inside or on the border of its namespace, and every pod is inside its node", () => {
  const scene = buildScene(fixture("curl-across-nodes").flows);
  const { boxes } = layout(scene);
  for (const { name, host, pods } of scene.nodes) {
    const node = boxes.get(nodeBoxId(name)) as Box;
    for (const namespace of [host, ...pods]) {
      const box = boxes.get(namespace.name) as Box;
      expect(holds(node, box), namespace.name).toBe(true);
      for (const { id } of namespace.elements) expect(holds(grown(box, 12), boxes.get(id) as Box), id).toBe(true);
    }
  }
});

test("no two pods or nodes overlap", () => {
  const { boxes } = layout(sceneOf({ "node-a": 7, "node-b": 1, "node-c": 3 }));
  const pods = [...boxes].filter(([id]) => /^shop\/[^|]+$/.test(id)).map(([, box]) => box);
  const nodes = [...boxes].filter(([id]) => id.startsWith("node:")).map(([, box]) => box);
  expect(pods).toHaveLength(11);
  for (const group of [pods, nodes]) {
    for (const a of group) for (const b of group) expect(a === b || !overlap(a, b)).toBe(true);
  }
});

test("the same scene gives the same layout", () => {
  const scene = buildScene(fixture("curl-across-nodes").flows);
  expect([...layout(scene).boxes]).toEqual([...layout(scene).boxes]);
});

test("another pod or node moves nothing that was there", () => {
  const before = layout(sceneOf({ "node-b": 2, "node-c": 1 }));
  const after = layout(sceneOf({ "node-a": 1, "node-b": 4, "node-c": 1 }), before.slots);
  for (const [id, box] of before.boxes) {
    // A node grows around its pods, upwards; everything else stays to the pixel.
    const now = after.boxes.get(id) as Box;
    if (id === nodeBoxId("node-b")) expect(now.x).toBe(box.x);
    else expect(now, id).toEqual(box);
  }
});

test("what was taken away and comes back stands where it stood", () => {
  const all = layout(sceneOf({ "node-a": 3 }));
  const fewer = layout(sceneOf({ "node-a": 1 }), all.slots);
  const again = layout(sceneOf({ "node-a": 3 }), fewer.slots);
  expect([...again.boxes]).toEqual([...all.boxes]);
});

test("an empty trace has an empty stage", () => {
  expect(layout({ nodes: [], fabric: [], links: [], tiles: [] }).boxes.size).toBe(0);
});

function sceneOf(nodes: Readonly<Record<string, number>>): Scene {
  const made = Object.entries(nodes).map(([name, count]): SceneNode => {
    const pods = Array.from({ length: count }, (_, index) => `shop/${name}-pod-${index}`);
    return {
      name,
      host: {
        name,
        elements: [
          { id: stackId(name), namespace: name, kind: "stack", name: "routes and rules" },
          { id: elementId(name, "cni0"), namespace: name, kind: "bridge", name: "cni0" },
          { id: elementId(name, "eth0"), namespace: name, kind: "interface", name: "eth0" },
          ...pods.map((pod) => ({
            id: elementId(name, `to ${pod}`),
            namespace: name,
            kind: "interface" as const,
            name: "veth",
          })),
        ],
      },
      idle: [],
      pods: pods.map((pod) => ({
        name: pod,
        elements: [
          { id: processId(pod), namespace: pod, kind: "process", name: "web" },
          { id: elementId(pod, "eth0"), namespace: pod, kind: "interface", name: "eth0" },
        ],
      })),
    };
  });
  const links = made.flatMap(({ name, pods }) =>
    pods.map((pod) => {
      const [from, to] = [elementId(name, `to ${pod.name}`), elementId(pod.name, "eth0")];
      return { id: `${from}--${to}`, from, to, kind: "cable" as const };
    }),
  );
  return { nodes: made, fabric: [], links, tiles: [] };
}

function holds(outer: Box, inner: Box): boolean {
  return (
    inner.x >= outer.x &&
    inner.y >= outer.y &&
    inner.x + inner.width <= outer.x + outer.width &&
    inner.y + inner.height <= outer.y + outer.height
  );
}

function grown(box: Box, by: number): Box {
  return { x: box.x - by, y: box.y - by, width: box.width + 2 * by, height: box.height + 2 * by };
}

function overlap(a: Box, b: Box): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}
