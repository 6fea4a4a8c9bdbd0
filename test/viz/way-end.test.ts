import { expect, test } from "vitest";
import { buildCourse } from "../../src/viz/moments.ts";
import { wayEnd } from "../../src/viz/way-end.ts";
import { fixture } from "./fixture.ts";

test("of a packet that is lost: the last device that it reached, and what was looked up last", () => {
  const course = buildCourse(fixture("retransmission"));
  const lost = course.moments.find(({ tone, step }) => tone === "dropped" && step.kind === "drop");
  if (lost === undefined) throw new Error("nothing is lost in this trace");
  const end = wayEnd(course, lost);
  expect(end).toMatchObject({ namespace: lost.step.namespace });
  expect(end?.device).toBeTypeOf("string");
  expect(end?.lookup?.step.kind).toMatch(/route|rule|neighbour/);
});

test("a packet that arrives has no such end", () => {
  const course = buildCourse(fixture("curl-across-nodes"));
  expect(course.moments.map((moment) => wayEnd(course, moment)).filter((end) => end !== undefined)).toEqual([]);
});
