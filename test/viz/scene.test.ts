import { expect, test } from "vitest";
import { type Frame, frameAt } from "../../src/viz/frame.ts";
import { layout } from "../../src/viz/layout.ts";
import { buildCourse, type Course } from "../../src/viz/moments.ts";
import { culprit, moved, toMutation } from "../../src/viz/navigate.ts";
import { Ways, pointAlong } from "../../src/viz/route.ts";
import { buildScene, mainFlows } from "../../src/viz/scene.ts";
import { stopText } from "../../src/viz/stops.ts";
import { fixture } from "./fixture.ts";

const curl = fixture("curl-across-nodes");

test("a scene nests pods and hosts in their nodes", () => {
  const scene = buildScene(curl.flows);
  expect(scene.nodes.map(({ name, host, pods }) => [name, host.name, pods.map((pod) => pod.name)])).toEqual([
    ["node-a", "node-a", ["kube-system/coredns-0", "shop/client-0"]],
    ["node-b", "node-b", ["shop/web-1"]],
  ]);
  expect(scene.fabric).toEqual([]);
});

test("a scene knows what kind of thing each name is", () => {
  const elements = buildScene(curl.flows).nodes.flatMap(({ host, pods }) =>
    [host, ...pods].flatMap((one) => one.elements),
  );
  const kinds = Object.fromEntries(elements.map(({ id, kind }) => [id, kind]));
  expect(kinds).toMatchObject({
    "node-a|cni0": "bridge",
    "node-a|veth3a1f": "interface",
    "node-a|#stack": "stack",
    "shop/client-0|#process": "process",
  });
});

test("cables lead from pod to host and from node to node, ports lead to their bridge", () => {
  const links = buildScene(curl.flows).links.map(({ from, to, kind }) => `${from} ${kind} ${to}`);
  expect(links).toContain("node-a|veth3a1f cable shop/client-0|eth0");
  expect(links).toContain("node-a|eth0 cable node-b|eth0");
  expect(links).toContain("node-a|cni0 inside node-a|veth3a1f");
  expect(links).toContain("node-a|#stack inside node-a|cni0");
});

test("a pod that a packet never reached stands on the node where its cable ends", () => {
  const scene = buildScene(fixture("socket-load-balancing").flows);
  expect(scene.nodes.map(({ name }) => name)).toEqual(["node-a"]);
});

test("a switch between the nodes and a host outside belong to no node", () => {
  const scene = buildScene([
    {
      ...(curl.flows[1] as (typeof curl.flows)[number]),
      steps: [],
      packets: [
        {
          id: 1,
          direction: "original",
          attempt: 1,
          verdict: "delivered",
          hops: [
            {
              namespace: "external:203.0.113.8",
              packet: { protocol: "tcp", src: "a", dst: "b", length: 60 },
              steps: [],
            },
            {
              namespace: "(switch)",
              device: "router",
              packet: { protocol: "tcp", src: "a", dst: "b", length: 60 },
              steps: [
                {
                  id: 1,
                  timeNanos: 0,
                  namespace: "(switch)",
                  kind: "bridge",
                  action: "forward",
                  bridge: "sw0",
                  inPort: "router",
                  outPorts: ["node-a"],
                  text: "",
                },
              ],
            },
          ],
        },
      ],
    },
  ]);
  expect(scene.fabric.map(({ name }) => name)).toEqual(["(switch)", "external:203.0.113.8"]);
  expect(layout(scene).boxes.get("(switch)|router")).toBeDefined();
});

test("moments are in the order of happening and stops cut them at every change of place", () => {
  const { moments, stops } = buildCourse(curl);
  expect(moments.map(({ step }) => step.id)).toEqual(moments.map((_, index) => index + 1));
  expect(stops.flatMap(({ first, last }) => moments.slice(first, last + 1))).toEqual(moments);
  expect(stops.slice(0, 4).map(({ first }) => moments[first]?.step.namespace)).toEqual([
    "shop/client-0",
    "shop/client-0",
    "node-a",
    "kube-system/coredns-0",
  ]);
});

test("the glyph stands in the namespace of its step, and no piece of the trail is a jump", () => {
  const { course, frames } = framesOf("curl-across-nodes");
  for (const [index, frame] of frames.entries()) {
    expect(frame.namespace).toBe(course.moments[index]?.step.namespace);
    for (let i = 1; i < frame.trail.length; i++) {
      expect(frame.trail[i]?.points[0], `moment ${index}`).toEqual(frame.trail[i - 1]?.points.at(-1));
    }
  }
});

test("the trail shows the rewrite of the Service's address", () => {
  const { course, frames } = framesOf("curl-across-nodes");
  const end = course.moments.findIndex(({ step }) => step.kind === "socket" && step.action === "accept");
  expect([...new Set(frames[end]?.trail.map(({ tone }) => tone))]).toEqual(["forwarded", "rewritten", "delivered"]);
  expect(frames[end]?.glyph.tone).toBe("delivered");
});

test("the outer packet of a tunnel carries on the trail of the inner one", () => {
  const { course, frames } = framesOf("vxlan");
  const wire = course.moments.findIndex(({ step }) => step.kind === "device" && step.device === "eth0");
  expect(frames[wire]?.trail.map(({ tone }) => tone)).toContain("encapsulated");
  expect(frames[wire]?.trail.map(({ tone }) => tone)).toContain("forwarded");
});

test("flooded copies are clones, at most three, and none of a packet that has ended", () => {
  const { course, frames } = framesOf("flooded-frame");
  const counts = frames.map(({ clones }) => clones.length);
  expect(Math.max(...counts)).toBeGreaterThan(0);
  expect(Math.max(...counts)).toBeLessThanOrEqual(3);
  for (const [index, { clones }] of frames.entries()) {
    for (const { id } of clones) {
      expect(id).not.toBe(course.moments[index]?.packet?.id);
      expect(course.byPacket.get(id)?.at(-1)?.index ?? -1, `clone ${id} at ${index}`).toBeGreaterThan(index);
    }
  }
  expect(counts.at(-1)).toBe(0);
});

test("the last leg of a packet shows how it ended", () => {
  const { course, frames } = framesOf("retransmission");
  const drop = course.moments.find(({ step }) => step.kind === "drop");
  expect(frames[drop?.index ?? -1]?.trail.at(-1)?.tone).toBe("dropped");
});

test("conntrack and the addresses of a bridge are state: a step that looks into them touches them", () => {
  const { course } = framesOf("curl-across-nodes");
  const touched = new Set(course.moments.flatMap(({ touches }) => touches ?? []));
  expect(touched).toContain("node-a|#conntrack");
  expect(touched).toContain("node-a|#fdb cni0");
  for (const { step, touches } of course.moments)
    expect(touches !== undefined, step.text).toBe(step.kind === "conntrack" || step.kind === "bridge");
});

test("a retransmission starts a trail of its own, and the drop is the culprit", () => {
  const { course, frames } = framesOf("retransmission");
  const drop = culprit(course);
  expect(course.moments[drop ?? -1]?.step).toMatchObject({ kind: "drop" });
  const second = course.moments.find(({ packet }) => packet?.attempt === 2);
  expect(frames[second?.index ?? -1]?.trail).toHaveLength(1);
});

test("the cursor moves by step, by stop and by rewrite, and stops at the ends", () => {
  const course = buildCourse(curl);
  const last = course.moments.length - 1;
  expect(moved(course, 0, "step", 1)).toBe(1);
  expect(moved(course, 0, "step", -1)).toBe(0);
  expect(moved(course, 0, "hop", 1)).toBe(course.stops[1]?.last);
  expect(moved(course, last, "hop", 1)).toBe(last);
  expect(course.moments[toMutation(course, 0, 1)]?.step).toMatchObject({ kind: "nat", action: "apply" });
  expect(toMutation(course, 0, -1)).toBe(0);
});

test("a stop is told in one line", () => {
  const course = buildCourse(curl);
  expect(course.stops.slice(0, 4).map((stop) => stopText(course, stop))).toEqual([
    'The name web must become an address: "web" has 0 dots, fewer than ndots:5, so the search domains of /etc/resolv.conf are tried first. The resolver asks 10.96.0.10:53: what is the IPv4 address (A) of web.shop.svc.cluster.local.?',
    "10.244.0.3:35001 → 10.96.0.10:53: made in shop/client-0; out by eth0.",
    "10.244.0.3:35001 → 10.96.0.10:53: into node-a by veth3a1f; destination becomes 10.244.0.2:53; out by vethd019.",
    "10.244.0.3:35001 → 10.244.0.2:53: into kube-system/coredns-0 by eth0; coredns receives it.",
  ]);
});

test("questions for Ethernet addresses stay beside the story: no stop, no place, no culprit", () => {
  const flood = fixture("flooded-frame");
  const [question] = flood.flows;
  const trace = { ...curl, flows: [...curl.flows, ...(question ? [{ ...question, id: 3 }] : [])] };
  const course = buildCourse(trace);
  expect(course.stops.some(({ aside }) => aside)).toBe(true);
  expect(culprit(course)).toBeUndefined();
  expect(buildScene(mainFlows(trace))).toEqual(buildScene(curl.flows));
  for (let cursor = 0, next = -1; cursor !== next; cursor = next) {
    next = moved(course, cursor, "hop", 1);
    if (next < course.moments.length - 1) expect(course.moments[next]?.flow.protocol).not.toBe("arp");
  }
});

test("where there is nothing but neighbour talk, it is the story", () => {
  expect(buildCourse(fixture("flooded-frame")).stops.some(({ aside }) => aside)).toBe(false);
});

test("a share of the way is measured along the line", () => {
  const corner = [
    { x: 0, y: 0 },
    { x: 0, y: 10 },
    { x: 10, y: 10 },
  ];
  expect(pointAlong(corner, 0.25)).toEqual({ x: 0, y: 5 });
  expect(pointAlong(corner, 0.75)).toEqual({ x: 5, y: 10 });
  expect(pointAlong(corner, 2)).toEqual({ x: 10, y: 10 });
});

function framesOf(name: string): { readonly course: Course; readonly frames: readonly Frame[] } {
  const trace = fixture(name);
  const course = buildCourse(trace);
  const scene = buildScene(trace.flows);
  const ways = new Ways(scene, layout(scene));
  return { course, frames: course.moments.map((_, index) => frameAt(course, ways, index) as Frame) };
}
