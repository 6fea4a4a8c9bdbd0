import type { Cluster } from "../cluster/cluster.ts";
import type { Node } from "../cluster/objects.ts";
import { type IptablesProxierCommand, type IptablesProxierState, iptablesProxier } from "../iptables/proxier.ts";
import { formatCall } from "../iptables/proxier-print.ts";
import { formatRestore } from "../iptables/proxier-restore.ts";
import type { ProxyNode } from "../proxy/proxier.ts";
import { type Family, address, familyOf, parseAddress } from "../wire/address.ts";
import { objectsOf, optionsOf } from "./proxies.ts";

/** What one sync of kube-proxy tells a node, as text: section by section, in the order it happens. */
export type ProxySections = readonly { readonly name: string; readonly heading: string; readonly text: string }[];

/**
 * Runs kube-proxy's iptables mode for a node over a sequence of cluster states and returns the last sync. The node
 * has a loopback and its InternalIPs, nothing else: what the CNI plugin adds is not kube-proxy's.
 */
export function iptablesSections(states: readonly Cluster[], nodeName: string, family: Family): ProxySections | undefined {
  let state: IptablesProxierState | undefined;
  let sections: ProxySections | undefined;
  for (const cluster of states) {
    const node = cluster.nodes.find(({ metadata }) => metadata.name === nodeName);
    if (node === undefined) return undefined;
    const sync = iptablesProxier.sync(objectsOf(cluster), bareNode(node), optionsOf(cluster, family), state);
    state = sync.state;
    sections = print(sync.commands, sync.events);
  }
  return sections;
}

function print(commands: readonly IptablesProxierCommand[], events: readonly string[]): ProxySections {
  const lines = [...events];
  const jumps: string[] = [];
  let restore = "";
  for (const command of commands) {
    switch (command.kind) {
      case "sysctl":
        lines.unshift(`sysctl ${command.name.replaceAll(".", "/")} = ${command.value}`);
        break;
      case "iptables":
        jumps.push(formatCall(command, command.family));
        break;
      case "iptables-restore":
        restore += formatRestore(command.restore);
        break;
      case "delete-connections":
        // Said by the events already.
        break;
    }
  }
  return [
    { name: "events", heading: "events", text: block(lines) },
    { name: "jumps", heading: "jumps (iptables commands in call order; -I means prepend when missing)", text: block(jumps) },
    { name: "restore", heading: "iptables-restore --noflush --counters", text: restore },
  ];
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
