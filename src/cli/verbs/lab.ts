import { Command } from "commander";
import { type InputProblems, formatProblem, parseScenario, readScenarioInput } from "../../index.ts";
import { missingFeatures } from "../../lab/capabilities.ts";
import { runLabFlow } from "../../lab/lab.ts";
import { isInside, runInside, settleIn, whyNoLab } from "../../lab/private-world.ts";
import { agrees, formatLabFlow } from "../../lab/report.ts";
import { LabError } from "../../lab/run.ts";
import type { LoadedScenario } from "../../lab/stage.ts";
import { CliError, exitCodes } from "../exit.ts";
import { readSource } from "../files.ts";
import { wholeNumber } from "../input.ts";
import { type Shell, painter } from "../io.ts";

interface LabFlags {
  readonly only?: string;
  readonly differences?: boolean;
  readonly patience: number;
}

const examples = `
Examples:
  sudo kubehop lab scenarios/curl-service.yaml
  sudo kubehop lab scenarios/*.yaml --differences

Needs Linux, root, iproute2, iptables-legacy, conntrack, ipset, tcpdump and ping. Everything happens in namespaces of
their own, which end with the command; the machine's network is never touched.
Exit codes: 0 Linux and kubehop agree, 1 they differ, 3 bad input`;

/** `kubehop lab`: the same flows on a real kernel. */
export function labVerb(shell: Shell): Command {
  return new Command("lab")
    .description("run the flows of scenarios on the real Linux kernel, too, and compare both traces (Linux, root)")
    .argument("<scenario...>", "scenario files")
    .option("--only <regex>", "run only flows whose name matches")
    .option("--differences", "print only the places that differ")
    .option("--patience <seconds>", "give a flow up after this long", wholeNumber, 180)
    .addHelpText("after", examples)
    .action(async (files: readonly string[], flags: LabFlags) => {
      const reason = whyNoLab();
      if (reason !== undefined) throw new CliError(exitCodes.usage, `error NO_LAB: ${reason}`);
      if (!isInside()) return shell.exitWith(await runInside());
      settleIn();
      shell.exitWith(await runFiles(files, flags, shell));
    });
}

async function runFiles(files: readonly string[], flags: LabFlags, shell: Shell): Promise<number> {
  const missing = missingFeatures();
  const only = flags.only === undefined ? undefined : new RegExp(flags.only);
  const counts = { agree: 0, differ: 0, skipped: 0 };
  const options = { missing, patienceSeconds: flags.patience };
  for (const loaded of files.map(load)) {
    shell.out(`${loaded.scenario.name}  ${loaded.file}\n`);
    for (const [index, { name }] of loaded.scenario.flows.entries()) {
      if (only !== undefined && !only.test(name)) continue;
      const flow = await attempt(() => runLabFlow(loaded, index, options));
      counts["skipped" in flow ? "skipped" : agrees(flow) ? "agree" : "differ"]++;
      shell.out(formatLabFlow(flow, { all: flags.differences !== true, paint: painter(shell.colour) }));
    }
  }
  shell.out(`${counts.agree} agree, ${counts.differ} differ, ${counts.skipped} skipped\n`);
  return counts.differ === 0 ? exitCodes.ok : exitCodes.expectationFailed;
}

async function attempt<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof LabError) throw new CliError(exitCodes.internal, `error LAB: ${error.message}`);
    throw error;
  }
}

function load(file: string): LoadedScenario {
  const source = readSource(file);
  const fail = ({ problems }: InputProblems): never => {
    throw new CliError(exitCodes.badInput, problems.map(formatProblem).join("\n"));
  };
  const parsed = parseScenario(source.name, source.text);
  if ("problems" in parsed) return fail(parsed);
  const input = readScenarioInput(source, parsed, readSource);
  if ("problems" in input) return fail(input);
  return { file, scenario: parsed.scenario, input, readFile: readSource };
}
