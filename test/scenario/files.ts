import { readFileSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { type ScenarioReport, formatProblem, runScenarioText } from "../../src/index.ts";
import type { ScenarioRunOptions } from "../../src/scenario/run.ts";

export const root: string = resolve(import.meta.dirname, "../..");
const folder = join(root, "scenarios");

/** The scenarios that come with kubehop. */
export const scenarioFiles: readonly string[] = readdirSync(folder).filter((file) => file.endsWith(".yaml"));

export function read(name: string): { readonly name: string; readonly text: string } {
  return { name, text: readFileSync(join(folder, name), "utf8") };
}

/** Runs one of them, or a text in its place; throws when it cannot be run. */
export function run(file: string, options: ScenarioRunOptions = {}, text: string = read(file).text): ScenarioReport {
  const report = runScenarioText(file, text, read, options);
  if ("problems" in report) throw new Error(report.problems.map(formatProblem).join("\n"));
  return report;
}
