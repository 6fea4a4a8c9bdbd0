import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { Command, Option } from "commander";
import { type ScenarioReport, formatProblem, looksLikeScenario, runScenarioText } from "../../index.ts";
import { CliError, exitCodes } from "../exit.ts";
import type { Shell, Streams } from "../io.ts";
import { reportOutputs } from "../outputs/report.ts";
import { readSource } from "../files.ts";

const examples = `
Examples:
  kubehop run scenarios
  kubehop run scenarios/hairpin.yaml -o json

Exit codes: 0 all expectations met, 1 one failed, 3 bad input, 4 an outcome was unknown that nobody expected`;

/** `kubehop run`: scenario files with their expectations. */
export function runVerb(shell: Shell): Command {
  return new Command("run")
    .description("run scenario files and check what they expect")
    .argument("<scenario...>", "scenario files, or folders of them")
    .addOption(new Option("-o, --output <format>", "what to print").choices(Object.keys(reportOutputs)).default("text"))
    .addHelpText("after", examples)
    .action((names: readonly string[], flags: { readonly output: string }) => {
      shell.exitWith(runScenarios(names, flags.output, shell));
    });
}

function runScenarios(names: readonly string[], output: string, streams: Streams): number {
  const reports: ScenarioReport[] = [];
  let bad = false;
  for (const file of names.flatMap(scenarioFiles)) {
    const { name, text } = readSource(file);
    const result = runScenarioText(name, text, readSource);
    if ("problems" in result) {
      bad = true;
      for (const problem of result.problems) streams.note(formatProblem(problem));
    } else reports.push(result);
  }
  streams.out((reportOutputs[output] as (typeof reportOutputs)[string])(reports, streams));
  if (bad) return exitCodes.badInput;
  const flows = reports.flatMap((report) => report.flows);
  if (flows.some((flow) => flow.failures.length > 0)) return exitCodes.expectationFailed;
  return flows.some((flow) => flow.trace.outcome === "unknown" && !flow.expected) ? exitCodes.unknown : exitCodes.ok;
}

/** A file as it is; of a folder the scenarios in it, by name, not those below. */
function scenarioFiles(name: string): string[] {
  if (!statSync(name, { throwIfNoEntry: false })?.isDirectory()) return [name];
  const files = readdirSync(name)
    .filter((file) => /\.(ya?ml|json)$/.test(file))
    .sort()
    .map((file) => join(name, file))
    .filter((file) => looksLikeScenario(readSource(file).text));
  if (files.length === 0) throw new CliError(exitCodes.badInput, `error NO_SCENARIO: ${name} holds no scenario file`);
  return files;
}
