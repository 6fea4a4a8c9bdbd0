import { expect, test } from "vitest";
import { changeWords } from "../../src/viz/change-words.ts";
import { suggestions } from "../../src/viz/filter-help.ts";
import { filterKeys, filterValues, parseFilter } from "../../src/viz/filter.ts";
import { buildCourse } from "../../src/viz/moments.ts";
import { namedThings, ranked, stepsNamed } from "../../src/viz/palette.ts";
import { fixture } from "./fixture.ts";

const course = buildCourse(fixture("curl-across-nodes"));

const entry = (group: string, label: string) => ({ group, label });

test("the palette puts names that begin with the words first, and leaves out what lacks one", () => {
  const entries = [
    entry("Do", "sweep the web"),
    entry("Pods", "shop/web-0"),
    entry("Services", "web.shop"),
    entry("Do", "share"),
  ];
  expect(ranked(entries, "web").map(({ label }) => label)).toEqual(["web.shop", "sweep the web", "shop/web-0"]);
  expect(ranked(entries, "web shop").map(({ label }) => label)).toEqual(["shop/web-0", "web.shop"]);
  expect(ranked(entries, "pods web").map(({ label }) => label)).toEqual(["shop/web-0"]);
  expect(ranked(entries, "nothing")).toEqual([]);
});

test("a group that has many shows a few", () => {
  const entries = Array.from({ length: 3000 }, (_, index) => entry("Pods", `shop/web-${index}`));
  expect(ranked(entries, "").length).toBe(5);
  expect(ranked(entries, "web").length).toBe(8);
});

test("pods, nodes and Services lead to the first step that has to do with them", () => {
  const things = namedThings(course, {
    nodes: [{ name: "node-a" }, { name: "node-z" }],
    pods: [{ name: "shop/web-1", node: "node-b" }],
    services: [{ host: "web.shop" }],
  });
  const byName = new Map(things.map(({ name, moment }) => [name, moment]));
  expect(course.moments[byName.get("node-a") ?? -1]?.step.namespace).toBe("node-a");
  expect(course.moments[byName.get("shop/web-1") ?? -1]?.step.namespace).toBe("shop/web-1");
  expect(byName.get("node-z")).toBeUndefined();
  const owner = course.moments[byName.get("web.shop") ?? -1]?.step.owner;
  expect(owner).toMatchObject({ kind: "Service", name: "web", namespace: "shop" });
  expect(things.filter(({ group }) => group === "Elsewhere").map(({ name }) => name)).toContain("node-b");
});

test("steps are found by number and by what they say", () => {
  expect(stepsNamed(course, "3").map(({ moment }) => moment)).toEqual([2]);
  expect(stepsNamed(course, "step 3").map(({ moment }) => moment)).toEqual([2]);
  expect(stepsNamed(course, "ab")).toEqual([]);
  const found = stepsNamed(course, "REWRITTEN");
  expect(found.length).toBeGreaterThan(0);
  for (const { moment } of found) expect(course.moments[moment]?.step.text.toLowerCase()).toContain("rewritten");
});

test("a filter is offered its keys, then values of the trace, with quotes around spaces", () => {
  const offer = (text: string, caret = text.length): string[] =>
    suggestions(course, text, caret).map(({ text: full }) => full);
  expect(offer("")).toEqual(filterKeys.map(({ key }) => `${key}:`));
  expect(offer("kind:nat wh")).toEqual(["kind:nat where:"]);
  expect(offer("-ki")).toEqual(["-kind:"]);
  expect(offer("kind:na")).toContain("kind:nat ");
  expect(offer("owner:")).toContain('owner:"Service shop/web" ');
  expect(offer('owner:"service sh')).toContain('owner:"Service shop/web" ');
  expect(offer("wh kind:nat", 2)).toEqual(["where:kind:nat"]);
  expect(offer("nothing:")).toEqual([]);
});

test("every value that is offered is a filter that finds something", () => {
  for (const { key } of filterKeys) {
    for (const value of filterValues(course, key)) {
      const filter = parseFilter(`${key}:"${value}"`);
      expect("matches" in filter && course.moments.some(filter.matches), `${key}:${value}`).toBe(true);
    }
  }
});

test("what becomes of a packet is said by its ends, mark and TTL", () => {
  const packet = { protocol: "tcp", src: "10.0.0.1", srcPort: 4, dst: "10.96.0.1", dstPort: 80, ttl: 64, length: 60 };
  expect(changeWords(packet, packet)).toBe("");
  expect(changeWords(packet, { ...packet, dst: "10.0.0.2", dstPort: 8080, mark: 0x4000, ttl: 63 })).toBe(
    "destination 10.96.0.1:80 → 10.0.0.2:8080, mark 0x4000, ttl 63",
  );
  expect(changeWords({ ...packet, src: "fd00::1" }, { ...packet, src: "fd00::2" })).toBe(
    "source [fd00::1]:4 → [fd00::2]:4",
  );
});
