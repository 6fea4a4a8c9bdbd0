import { expect, test } from "vitest";
import { bandOf, fittedRange, layerOf, choiceOdds, rangeAround, zoomedRange } from "../../src/viz/lanes.ts";
import { buildCourse } from "../../src/viz/moments.ts";
import { forkAt } from "../../src/viz/navigate.ts";
import { buildScene } from "../../src/viz/scene.ts";
import { endMark, tickPath, tickShape } from "../../src/viz/ticks.ts";
import type { Choice } from "../../src/trace/records.ts";
import { fixture } from "./fixture.ts";

const curl = fixture("curl-across-nodes");
const course = buildCourse(curl);
const scene = buildScene(curl.flows);

test("lanes are the places of the stage, node by node with the pods first", () => {
  const { lanes, laneOf, moments } = bandOf(course, scene, "step", "places");
  expect(lanes).toEqual(["kube-system/coredns-0", "shop/client-0", "node-a", "shop/web-1", "node-b"]);
  for (const [rank, moment] of moments.entries()) expect(lanes[laneOf[rank] ?? -1]).toBe(moment.step.namespace);
});

test("lanes are layers from the resolver down to the links, and only those that are used", () => {
  const { lanes, laneOf, moments } = bandOf(course, scene, "step", "layers");
  expect(lanes[0]).toBe("Resolver");
  expect(lanes.at(-1)).toBe("Links");
  expect(new Set(laneOf).size).toBe(lanes.length);
  for (const [rank, moment] of moments.entries()) expect(lanes[laneOf[rank] ?? -1]).toBe(layerOf(moment.step));
});

test("the coarse grain leaves neighbour talk out, and the cursor stands at what came before it", () => {
  const [question] = fixture("flooded-frame").flows;
  const mixed = buildCourse({ ...curl, flows: [...curl.flows, ...(question ? [{ ...question, id: 3 }] : [])] });
  const band = bandOf(mixed, scene, "hop", "places");
  expect(band.moments.length).toBeLessThan(mixed.moments.length);
  expect(band.moments.some(({ flow }) => flow.protocol === "arp")).toBe(false);
  for (const { index } of mixed.moments) expect(band.moments[band.rankOf(index)]?.index).toBeLessThanOrEqual(index);
});

const choice = (taken: number, ...probabilities: (number | undefined)[]): Choice => ({
  id: "x",
  options: probabilities.map((probability, index) => ({
    label: String(index),
    ...(probability !== undefined && { probability }),
  })),
  taken,
  by: "rr",
});

test.each([
  [choice(0, 0.5, 0.5), "1/2"],
  [choice(1, 1 / 3, 2 / 3), "2/3"],
  [choice(0, 0.142857142857, 0.857142857143), "1/7"],
  [choice(0, 0.0123, 0.9877), "1.2 %"],
  [choice(0, undefined, undefined), "rr"],
])("odds are said as a fraction where they are one", (one, text) => expect(choiceOdds(one)).toBe(text));

test("a fork is where something was chosen among several", () => {
  const step = { ...course.moments[3]?.step, choice: choice(0, 0.5, 0.5) } as (typeof course.moments)[number]["step"];
  const moments = course.moments.map((moment, index) => (index === 3 ? { ...moment, step } : moment));
  const forked = { ...course, moments };
  expect(forkAt(forked, 3, "step")).toBe(step.choice);
  expect(forkAt(forked, 2, "step")).toBeUndefined();
  const { first = 0, last = 0 } = course.stops[course.moments[3]?.stop ?? 0] ?? {};
  expect(forkAt(forked, last, "hop")).toBe(step.choice);
  expect(forkAt(forked, first - 1, "hop")).toBeUndefined();
});

test("a range stays between the ends, is never too short, and zooms around what it is asked to", () => {
  expect(fittedRange({ from: -20, to: 30 }, 100)).toEqual({ from: 0, to: 50 });
  expect(fittedRange({ from: 90, to: 120 }, 100)).toEqual({ from: 70, to: 100 });
  expect(fittedRange({ from: 50, to: 51 }, 100)).toEqual({ from: 46.5, to: 54.5 });
  expect(fittedRange({ from: 0, to: 1000 }, 100)).toEqual({ from: 0, to: 100 });
  const near = zoomedRange({ from: 0, to: 100 }, 2, 25, 100);
  expect(near).toEqual({ from: 12.5, to: 62.5 });
  expect(zoomedRange(near, 0.5, 25, 100)).toEqual({ from: 0, to: 100 });
});

test("a cursor that leaves the range pulls it along", () => {
  const range = { from: 20, to: 40 };
  expect(rangeAround(range, 30, 100)).toEqual(range);
  for (const rank of [0, 10, 41, 60, 100]) {
    const { from, to } = rangeAround(range, rank, 100);
    expect(rank).toBeGreaterThanOrEqual(from);
    expect(rank).toBeLessThanOrEqual(to);
    expect(to - from).toBeCloseTo(20);
  }
});

test("ticks have the outline of their kind, ends a sign of their own", () => {
  expect([tickShape("socket"), tickShape("device"), tickShape("rule"), tickShape("conntrack")]).toEqual([
    "hexagon",
    "rectangle",
    "diamond",
    "cylinder",
  ]);
  const corners = (d: string): number => d.match(/[ML]/g)?.length ?? 0;
  expect(corners(tickPath("hexagon", 0, 0))).toBe(6);
  expect(corners(tickPath("diamond", 0, 0))).toBe(4);
  expect(tickPath("cylinder", 0, 0)).toContain("A");
  const signs = (["delivered", "dropped", "rejected", "unknown"] as const).map((tone) => endMark(tone, 0, 0));
  expect(new Set(signs).size).toBe(4);
  expect(endMark("forwarded", 0, 0)).toBeUndefined();
});
