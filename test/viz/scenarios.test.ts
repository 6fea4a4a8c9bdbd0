import { readFileSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import { runScenarioText } from "../../src/index.ts";
import type { Trace } from "../../src/trace/records.ts";
import { frameAt } from "../../src/viz/frame.ts";
import { layout } from "../../src/viz/layout.ts";
import { buildCourse } from "../../src/viz/moments.ts";
import { Ways } from "../../src/viz/route.ts";
import { buildScene, mainFlows } from "../../src/viz/scene.ts";

const root = resolve(import.meta.dirname, "../..");
const folder = join(root, "scenarios");
const files = readdirSync(folder).filter((file) => file.endsWith(".yaml"));
const isTrace = new Ajv2020({ allErrors: true, allowUnionTypes: true }).compile(
  JSON.parse(readFileSync(join(root, "schema/trace.json"), "utf8")) as object,
);

test("there are scenarios", () => {
  expect(files.length).toBeGreaterThan(10);
});

test.for(files)("%s: what the engine records is a trace of the published format", (file) => {
  for (const trace of tracesOf(file)) {
    // As JSON, for that is what the schema is about.
    isTrace(JSON.parse(JSON.stringify(trace)));
    expect((isTrace.errors ?? []).slice(0, 5)).toEqual([]);
  }
});

test.for(files)("%s: every step has a place on the stage, and no trail jumps", (file) => {
  for (const trace of tracesOf(file)) {
    const course = buildCourse(trace);
    const scene = buildScene(trace.flows);
    const placed = layout(scene);
    const ways = new Ways(scene, placed);
    const homeless = course.moments.filter(({ place }) => !placed.boxes.has(place));
    expect(homeless.map(({ place, step }) => `${place}: ${step.text}`)).toEqual([]);
    const jumps = course.moments.filter(({ index }) => {
      const pieces = (frameAt(course, ways, index)?.trail ?? []).map(({ points }) => points);
      return pieces.some(([start], at) => at > 0 && JSON.stringify(start) !== JSON.stringify(pieces[at - 1]?.at(-1)));
    });
    expect(jumps.map(({ step }) => step.text)).toEqual([]);
  }
});

test.for(files)("%s: the story alone has every one of its places", (file) => {
  for (const trace of tracesOf(file)) {
    const course = buildCourse(trace);
    const { boxes } = layout(buildScene(mainFlows(trace)));
    const story = course.moments.filter(({ stop }) => course.stops[stop]?.aside === false);
    const homeless = story.filter(({ place }) => !boxes.has(place));
    expect(homeless.map(({ place }) => place)).toEqual([]);
  }
});

const known = new Map<string, readonly Trace[]>();

function tracesOf(file: string): readonly Trace[] {
  const traces = known.get(file) ?? run(file);
  known.set(file, traces);
  return traces;
}

function run(file: string): readonly Trace[] {
  const read = (name: string): { name: string; text: string } => ({
    name,
    text: readFileSync(join(folder, name), "utf8"),
  });
  const report = runScenarioText(file, read(file).text, read, { level: "rule" });
  if ("problems" in report) throw new Error(report.problems.map(({ message }) => message).join("\n"));
  return report.flows.map(({ trace }) => trace);
}
