import { Command, InvalidArgumentError } from "commander";
import {
  type ClusterInput,
  type InputOptions,
  formatProblem,
  loadInput,
  parseScenario,
  readScenarioInput,
} from "../index.ts";
import { CliError, exitCodes } from "./exit.ts";
import { readSource, readSources } from "./files.ts";
import type { Streams } from "./io.ts";

/** The flags that say which cluster: the same on every verb. */
export interface InputFlags {
  readonly filename: readonly string[];
  readonly recursive?: boolean;
  readonly namespace: string;
  readonly nodes?: number;
  readonly cni?: string;
  readonly proxyMode?: string;
  readonly podCidr?: readonly string[];
  readonly serviceCidr?: readonly string[];
  readonly kubeVersion?: string;
  readonly seed?: number;
  readonly scenario?: string;
  readonly maxYaml?: number;
}

const collect = (value: string, previous: readonly string[]): readonly string[] => [...previous, value];
const commas = (value: string): readonly string[] => value.split(",");

export function wholeNumber(value: string): number {
  if (!/^\d+$/.test(value)) throw new InvalidArgumentError("it must be a whole number");
  return Number(value);
}

/** Adds the flags of cluster input to a verb. */
export function withInput(command: Command): Command {
  return command
    .option("-f, --filename <file>", "manifests: a file, a folder, or - for standard input (repeatable)", collect, [])
    .option("-R, --recursive", "read the folders below, too")
    .option("-n, --namespace <name>", "namespace of names that state none", "default")
    .option("--nodes <n>", "how many nodes to assume when the input has no Node (2)", wholeNumber)
    .option("--cni <name>", "CNI plugin (bridge)")
    .option("--proxy-mode <mode>", "kube-proxy mode: iptables or ipvs (iptables)")
    .option("--pod-cidr <cidr>", "pod CIDR, one per family, comma-separated (10.244.0.0/16)", commas)
    .option("--service-cidr <cidr>", "service CIDR, one per family, comma-separated (10.96.0.0/12)", commas)
    .option("--kube-version <version>", "Kubernetes version of the components (1.30)")
    .option("--seed <n>", "seed of every random decision (1)", wholeNumber)
    .option("--scenario <file>", "take the cluster from a scenario file instead of -f")
    .option("--max-yaml <mib>", "accept YAML files up to this many MiB (16)", wholeNumber);
}

/** Reads the cluster that the flags name; its notes go to stderr, its problems end the verb with exit code 3. */
export function readInput(
  flags: InputFlags,
  streams: Streams,
  settings: NonNullable<InputOptions["settings"]> = {},
  isAsGiven = false,
): ClusterInput {
  if (flags.scenario !== undefined && flags.filename.length > 0) {
    throw new CliError(exitCodes.usage, "error: --scenario and -f exclude each other");
  }
  const stated = optionsOf(flags);
  const options = { ...stated, settings: { ...stated.settings, ...settings }, isAsGiven };
  const loaded =
    flags.scenario === undefined ? loadInput(sourcesOf(flags), options) : scenarioInput(flags.scenario, options);
  if ("problems" in loaded) throw new CliError(exitCodes.badInput, loaded.problems.map(formatProblem).join("\n"));
  for (const warning of loaded.warnings) streams.note(formatProblem(warning));
  for (const note of loaded.notes) streams.note(`note: ${note}`);
  return loaded;
}

function sourcesOf(flags: InputFlags): ReturnType<typeof readSources> {
  if (flags.filename.length === 0)
    throw new CliError(exitCodes.usage, "error: name the manifests with -f FILE, or a scenario with --scenario FILE");
  return readSources(flags.filename, flags.recursive === true);
}

function scenarioInput(file: string, options: InputOptions): ReturnType<typeof loadInput> {
  const source = readSource(file);
  const parsed = parseScenario(source.name, source.text);
  if ("problems" in parsed) throw new CliError(exitCodes.badInput, parsed.problems.map(formatProblem).join("\n"));
  return readScenarioInput(source, parsed, readSource, options);
}

function optionsOf(flags: InputFlags): InputOptions {
  return {
    namespace: flags.namespace,
    settings: {
      ...(flags.cni !== undefined && { cni: flags.cni }),
      ...(flags.proxyMode !== undefined && { proxyMode: flags.proxyMode }),
      ...(flags.podCidr && { podCidrs: flags.podCidr }),
      ...(flags.serviceCidr && { serviceCidrs: flags.serviceCidr }),
      ...(flags.kubeVersion !== undefined && { kubeVersion: flags.kubeVersion }),
    },
    ...(flags.nodes !== undefined && { nodes: flags.nodes }),
    ...(flags.seed !== undefined && { seed: flags.seed }),
    ...(flags.maxYaml !== undefined && { maxYamlLength: flags.maxYaml * 2 ** 20 }),
  };
}
