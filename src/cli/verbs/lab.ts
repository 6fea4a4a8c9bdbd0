import { Command, Option } from "commander";
import { type InputProblems, formatProblem, parseScenario, readScenarioInput } from "../../index.ts";
import { missingFeatures } from "../../lab/capabilities.ts";
import { type LabFlow, runLabFlow } from "../../lab/lab.ts";
import { isInside, runInside, settleIn, whyNoLab } from "../../lab/private-world.ts";
import { agrees, formatLabFlow } from "../../lab/report.ts";
import { LabError } from "../../lab/run.ts";
import type { LoadedScenario } from "../../lab/stage.ts";
import { runTopology, whyNoTopology } from "../../lab/topology-lab.ts";
import { parseTopology } from "../../topology/topology.ts";
import { CliError, exitCodes } from "../exit.ts";
import { readSource } from "../files.ts";
import { wholeNumber } from "../input.ts";
import { type Shell, painter } from "../io.ts";
import { goldenText, isFolder, readFolder, withTextErrors } from "../topology-folder.ts";

interface LabFlags {
  readonly only?: string;
  readonly differences?: boolean;
  readonly output: "text" | "json";
  readonly patience: number;
}

const examples = `
Examples:
  sudo kubehop lab scenarios/curl-service.yaml
  sudo kubehop lab scenarios/*.yaml --differences
  sudo kubehop lab test/referee/kernel/hostgw/topology --only hairpin
  sudo kubehop lab ./node-dumps -o json > golden.json

A folder holds plain Linux state (docs/topology.md); what Linux showed of its flows is printed by -o json.
Needs Linux, root, iproute2, iptables-legacy, conntrack, ipset, perl, tcpdump and ping. Everything happens in namespaces
of their own, which end with the command; the machine's network is never touched.
Exit codes: 0 Linux and kubehop agree, 1 they differ, 3 bad input`;

/** `kubehop lab`: the same flows on a real kernel. */
export function labVerb(shell: Shell): Command {
  return new Command("lab")
    .description("run flows on the real Linux kernel, too, and compare both traces (Linux, root)")
    .argument("<what...>", "scenario files, or folders of plain Linux state")
    .option("--only <regex>", "run only flows whose name matches")
    .option("--differences", "print only the places that differ")
    .addOption(
      new Option("-o, --output <format>", "json: of a folder, what Linux showed, in the shape of golden.json")
        .choices(["text", "json"])
        .default("text"),
    )
    .option("--patience <seconds>", "give a flow up after this long", wholeNumber, 180)
    .addHelpText("after", examples)
    .action(async (inputs: readonly string[], flags: LabFlags) => {
      const reason = whyNoLab();
      if (reason !== undefined) throw new CliError(exitCodes.usage, `error NO_LAB: ${reason}`);
      if (flags.output === "json" && !inputs.every(isFolder)) {
        throw new CliError(exitCodes.usage, "error LAB_OUTPUT: -o json is for folders of plain Linux state");
      }
      if (!isInside()) return shell.exitWith(await runInside());
      settleIn();
      shell.exitWith(await attempt(() => runInputs(inputs, flags, shell)));
    });
}

async function runInputs(inputs: readonly string[], flags: LabFlags, shell: Shell): Promise<number> {
  const missing = missingFeatures();
  const only = new RegExp(flags.only ?? "");
  const counts = { agree: 0, differ: 0, skipped: 0 };
  const print = (flow: LabFlow): void => {
    counts["skipped" in flow ? "skipped" : agrees(flow) ? "agree" : "differ"]++;
    if (flags.output === "text")
      shell.out(formatLabFlow(flow, { all: flags.differences !== true, paint: painter(shell.colour) }));
  };
  const run = (input: string): Promise<void> =>
    isFolder(input)
      ? runFolder(input, { missing, only, print, shell, json: flags.output === "json" })
      : runFile(load(input), { missing, only, print, shell, patienceSeconds: flags.patience });
  for (const input of inputs) await run(input);
  const sum = `${counts.agree} agree, ${counts.differ} differ, ${counts.skipped} skipped`;
  if (flags.output === "text") shell.out(`${sum}\n`);
  else shell.note(sum);
  return counts.differ === 0 ? exitCodes.ok : exitCodes.expectationFailed;
}

interface RunContext {
  readonly missing: ReadonlyMap<string, string>;
  readonly only: RegExp;
  readonly shell: Shell;
  print(flow: LabFlow): void;
}

async function runFile(
  loaded: LoadedScenario,
  { shell, only, print, ...options }: RunContext & { readonly patienceSeconds: number },
): Promise<void> {
  shell.out(`${loaded.scenario.name}  ${loaded.file}\n`);
  for (const [index, { name }] of loaded.scenario.flows.entries()) {
    if (only.test(name)) print(await runLabFlow(loaded, index, options));
  }
}

async function runFolder(
  folder: string,
  { shell, only, print, missing, json }: RunContext & { readonly json: boolean },
): Promise<void> {
  const topology = withTextErrors(() => parseTopology(readFolder(folder)));
  if (!json) shell.out(`${folder}\n`);
  const skipped = withTextErrors(() => whyNoTopology(topology, missing));
  if (skipped !== undefined) {
    const flows = topology.flows.filter(({ name }) => only.test(name));
    for (const { name, from, protocol, destination } of flows) {
      print({ name, from, run: `${protocol} ${destination}`, skipped });
    }
    return;
  }
  const { recorded, flows } = await runTopology(topology, ({ name }) => only.test(name)).catch((error) =>
    withTextErrors(() => {
      throw error;
    }),
  );
  if (json) shell.out(goldenText(folder, "legacy", recorded));
  for (const flow of flows) print(flow);
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
