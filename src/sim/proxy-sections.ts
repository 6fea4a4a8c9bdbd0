import type { Cluster } from "../cluster/cluster.ts";
import type { Node } from "../cluster/objects.ts";
import { type IptablesProxierCommand, type IptablesProxierState, iptablesProxier } from "../iptables/proxier.ts";
import { formatCall } from "../iptables/proxier-print.ts";
import { formatRestore } from "../iptables/proxier-restore.ts";
import { formatDummyAddresses, formatSets, formatVirtualServers } from "../ipvs/proxier-print.ts";
import { type IpvsProxierCommand, type IpvsProxierState, ipvsProxier } from "../ipvs/proxier.ts";
import type { Proxier, ProxyNode, ProxyOptions, ProxySync } from "../proxy/proxier.ts";
import { type Family, address, familyOf, parseAddress } from "../wire/address.ts";
import { objectsOf, optionsOf } from "./proxies.ts";

/** One kind of thing that kube-proxy tells a node, as text. */
export interface ProxySection {
  readonly name: "events" | "dummy" | "ipvs" | "ipset" | "jumps" | "restore";
  /** What the recordings call it. */
  readonly heading: string;
  readonly text: string;
}

/**
 * Runs kube-proxy for a node over a sequence of cluster states and returns what the last sync told it, in the order of
 * the recordings. The node has a loopback and its InternalIPs: what a CNI plugin adds is not kube-proxy's.
 * Undefined when the last state has no such node; nothing in a mode that is not modelled.
 */
export function proxySections(
  states: readonly Cluster[],
  nodeName: string,
  family: Family,
): readonly ProxySection[] | undefined {
  const { proxyMode = "iptables" } = states.at(-1)?.settings ?? {};
  if (proxyMode === "ipvs") {
    const last = lastSync<IpvsProxierState, IpvsProxierCommand>(ipvsProxier, states, nodeName, family);
    return last && ipvsText(last.sync, last.options);
  }
  if (proxyMode !== "iptables") return [];
  const last = lastSync<IptablesProxierState, IptablesProxierCommand>(iptablesProxier, states, nodeName, family);
  return last && iptablesText(last.sync, states.length === 1);
}

function lastSync<State, Command>(
  proxier: Proxier<State, Command>,
  states: readonly Cluster[],
  nodeName: string,
  family: Family,
): { readonly sync: ProxySync<State, Command>; readonly options: ProxyOptions } | undefined {
  let last: { readonly sync: ProxySync<State, Command>; readonly options: ProxyOptions } | undefined;
  for (const cluster of states) {
    const node = cluster.nodes.find(({ metadata }) => metadata.name === nodeName);
    if (node === undefined) return undefined;
    const options = optionsOf(cluster, node, family);
    // One right after the other, each whether or not it has anything to say.
    const objects = { ...objectsOf(cluster), nowNanos: 0, isDue: true };
    last = { options, sync: proxier.sync(objects, bareNode(node), options, last?.sync.state) };
  }
  return last;
}

const jumpsHeading = "jumps (iptables commands in call order; -I means prepend when missing)";
const restoreHeading = "iptables-restore --noflush --counters";

/** Later full syncs look for the jumps and find them all. */
function iptablesText(
  { commands, events }: ProxySync<IptablesProxierState, IptablesProxierCommand>,
  isFirst: boolean,
): readonly ProxySection[] {
  const restores = commands.flatMap((command) =>
    command.kind === "iptables-restore" ? [formatRestore(command.restore)] : [],
  );
  return [
    { name: "events", heading: "events", text: block([...sysctls(commands), ...events]) },
    { name: "jumps", heading: jumpsHeading, text: block(isFirst ? calls(commands) : []) },
    { name: "restore", heading: restoreHeading, text: restores.join("") },
  ];
}

function ipvsText(
  { commands, events, state }: ProxySync<IpvsProxierState, IpvsProxierCommand>,
  options: ProxyOptions,
): readonly ProxySection[] {
  const devices = commands.flatMap((command) =>
    command.kind === "add-dummy" ? [`add dummy device ${command.device}`] : [],
  );
  const restores = commands.flatMap((command) => (command.kind === "iptables-restore" ? [command.text] : []));
  return [
    { name: "events", heading: "events", text: block([...sysctls(commands), ...devices, ...events]) },
    { name: "dummy", heading: "dummy interface kube-ipvs0 addresses", text: formatDummyAddresses(state) },
    {
      name: "ipvs",
      heading: "ipvs (ipvsadm-save -n syntax; decoded flags after #)",
      text: formatVirtualServers(state, options.ipvsScheduler),
    },
    { name: "ipset", heading: "ipsets (ipset save syntax, members sorted)", text: formatSets(state, options.family) },
    { name: "jumps", heading: jumpsHeading, text: block(calls(commands)) },
    { name: "restore", heading: restoreHeading, text: restores.join("") },
  ];
}

type AnyCommand = IptablesProxierCommand | IpvsProxierCommand;

function sysctls(commands: readonly AnyCommand[]): string[] {
  return commands.flatMap((command) =>
    command.kind === "sysctl" ? [`sysctl ${command.name.replaceAll(".", "/")} = ${command.value}`] : [],
  );
}

function calls(commands: readonly AnyCommand[]): string[] {
  return commands.flatMap((command) => (command.kind === "iptables" ? [formatCall(command, command.family)] : []));
}

/** The recordings end every section, also an empty one, with a newline. */
function block(lines: readonly string[]): string {
  return `${lines.join("\n")}\n`;
}

function bareNode({ metadata, status }: Node): ProxyNode {
  const internal = status.addresses
    .filter(({ type }) => type === "InternalIP")
    .flatMap((entry) => parseAddress(entry.address) ?? []);
  const ipv4 = internal.find((own) => familyOf(own) === "ipv4");
  const ipv6 = internal.find((own) => familyOf(own) === "ipv6");
  return {
    name: metadata.name,
    labels: metadata.labels,
    nodeIPs: { ...(ipv4 !== undefined && { ipv4 }), ...(ipv6 !== undefined && { ipv6 }) },
    addresses: [
      { device: "lo", address: address("127.0.0.1") },
      { device: "lo", address: address("::1") },
      ...internal.map((own) => ({ device: "eth0", address: own })),
    ],
  };
}
