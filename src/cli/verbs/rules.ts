import { Command, Option } from "commander";
import {
  type ClusterInput,
  type ClusterState,
  type Family,
  formatProblem,
  kubeProxySections,
  nodeText,
  updatedStates,
} from "../../index.ts";
import { CliError, exitCodes } from "../exit.ts";
import { type InputFlags, readInput, withInput } from "../input.ts";
import type { Streams } from "../io.ts";
import { readSource } from "../files.ts";
import { type KubeProxyFlags, kubeProxySettings, withKubeProxy } from "../kube-proxy-flags.ts";

interface RulesFlags extends InputFlags, KubeProxyFlags {
  readonly node: string;
  readonly output: string;
  readonly family: Family;
  readonly clusterCidr?: readonly string[];
  readonly then: readonly string[];
}

/** What kube-proxy alone says of the objects it is given: nothing is assumed beside them. */
const kubeProxyOutputs = ["restore", "jumps", "events", "dummy", "ipvs", "ipset", "recorded"];
/** What the booted node holds. */
const nodeOutputs = ["iptables-save", "ip", "all"];

const examples = `
Examples:
  kubehop rules -f manifests/ --node node-a
  kubehop rules -f manifests/ --node node-a -o ip
  kubehop rules -f services.json --node node-a --cluster-cidr 10.244.0.0/16 -o restore
  kubehop rules -f services.json --node node-a -o restore --then update.json

Outputs: iptables-save, ip and all show what the booted node holds; restore, jumps, events, dummy, ipvs, ipset and
recorded show what kube-proxy tells the node about the objects of the input alone, at its last sync.`;

/** `kubehop rules`: what a node holds. */
export function rulesVerb(streams: Streams): Command {
  const verb = withInput(new Command("rules"))
    .description("print the rules, sets, routes and devices of a node")
    .requiredOption("--node <name>", "the node")
    .addOption(
      new Option("-o, --output <what>", "what to print")
        .choices([...nodeOutputs, ...kubeProxyOutputs])
        .default("iptables-save"),
    )
    .addOption(new Option("--family <family>", "address family").choices(["ipv4", "ipv6"]).default("ipv4"))
    .option(
      "--cluster-cidr <cidr>",
      'pod CIDR as kube-proxy is told it, one per family, comma-separated ("": none)',
      (value) => value.split(",").filter((text) => text !== ""),
    )
    .option(
      "--then <file>",
      "an update after the first sync (repeatable)",
      (value, previous: readonly string[]) => [...previous, value],
      [],
    )
    .addHelpText("after", examples);
  return withKubeProxy(verb).action((flags: RulesFlags) => streams.out(printRules(flags, streams)));
}

function printRules(flags: RulesFlags, streams: Streams): string {
  const { clusterCidr, node, family, output } = flags;
  const alone = kubeProxyOutputs.includes(output);
  const stated = kubeProxySettings(flags);
  const settings = {
    ...stated,
    kubeProxy: { ...stated.kubeProxy, ...(clusterCidr && { clusterCidrs: clusterCidr }) },
    ...(alone && { systemComponents: "none" as const }),
  };
  const podCidr = flags.podCidr ?? (clusterCidr?.length === 0 ? undefined : clusterCidr);
  const input = readInput({ ...flags, ...(podCidr && { podCidr }) }, streams, settings, alone);
  return alone ? printSections(input, flags) : (printNode(input, node, family, output) ?? noNode(input, node));
}

function printNode(input: ClusterInput, node: string, family: Family, output: string): string | undefined {
  const text = nodeText(input, node, family);
  if (text === undefined) return undefined;
  if (output === "iptables-save") return text.iptablesSave;
  if (output === "ip") return text.ip;
  return `${text.ip}\n# ipset save\n${text.ipset}\n# iptables-save\n${text.iptablesSave}`;
}

function printSections(input: ClusterInput, { node, family, output, then }: RulesFlags): string {
  const states = updatedStates(input, then.map(readSource));
  if ("problems" in states) throw new CliError(exitCodes.badInput, states.problems.map(formatProblem).join("\n"));
  const sections = kubeProxySections(states as readonly ClusterState[], node, family) ?? noNode(input, node);
  if (sections.length === 0) {
    const mode = input.cluster.settings.proxyMode;
    throw new CliError(
      exitCodes.unknown,
      `error NOT_MODELLED: what kube-proxy tells a node in ${mode} mode is not known`,
    );
  }
  if (output === "recorded") return sections.map(({ heading, text }) => `#### ${heading}\n${text}`).join("");
  const section = sections.find(({ name }) => name === output);
  if (section === undefined) {
    throw new CliError(
      exitCodes.usage,
      `error: kube-proxy in this mode makes no ${output}; there are ${sections.map(({ name }) => name).join(", ")}`,
    );
  }
  return section.text;
}

function noNode(input: ClusterInput, node: string): never {
  const known = input.cluster.nodes.slice(0, 8).map(({ metadata }) => metadata.name);
  throw new CliError(exitCodes.usage, `error NO_SUCH_NODE: no node is called ${node}; there are ${known.join(", ")}`);
}
