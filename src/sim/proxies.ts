import type { Cluster } from "../cluster/cluster.ts";
import type { EndpointSlice, Node, Service } from "../cluster/objects.ts";
import type { Iptables } from "../iptables/netns.ts";
import { iptablesProxier, type IptablesProxierCommand, type IptablesProxierState } from "../iptables/proxier.ts";
import { restoreTables } from "../iptables/proxier-restore.ts";
import type { Command, TableName } from "../iptables/rule.ts";
import type { NetworkNamespace } from "../kernel/namespace.ts";
import { cidrDetector } from "../proxy/local-detector.ts";
import { type NodeCommand, type ProxyNode, type ProxyOptions, proxyOptions } from "../proxy/proxier.ts";
import type { ProxyObjects } from "../proxy/tracker.ts";
import { type Address, type Family, familyOf, parseAddress } from "../wire/address.ts";

/** A mode of kube-proxy, to be started on a node. */
export interface NodeProxy {
  start(host: NetworkNamespace, iptables: Iptables): RunningProxy;
}

/** kube-proxy on one node: each sync brings the node to the cluster's state. */
export interface RunningProxy {
  sync(cluster: Cluster, node: Node): void;
}

export const iptablesProxy: NodeProxy = {
  start(host, iptables) {
    const states = new Map<Family, IptablesProxierState>();
    return {
      sync(cluster, node) {
        for (const family of familiesOf(cluster)) {
          const { state, commands } = iptablesProxier.sync(
            objectsOf(cluster),
            proxyNode(host, node),
            optionsOf(cluster, family),
            states.get(family),
          );
          states.set(family, state);
          for (const command of commands) runIptables(host, iptables, command);
        }
      },
    };
  },
};

function runIptables(host: NetworkNamespace, iptables: Iptables, command: IptablesProxierCommand): void {
  switch (command.kind) {
    case "sysctl":
    case "delete-connections":
      return runNodeCommand(host, command);
    case "iptables":
      return ensure(iptables, command.family, command.table, command.command);
    case "iptables-restore":
      for (const { table, chains, deleted } of restoreTables(command.restore)) {
        iptables.replaceChains(command.restore.family, table, chains, deleted);
      }
  }
}

/** EnsureChain and EnsureRule of pkg/util/iptables: a chain or rule that is there already is left alone. */
export function ensure(iptables: Iptables, family: Family, table: TableName, command: Command): void {
  const chains = iptables.ruleset(family).tables.get(table)?.chains;
  if (command.kind === "new-chain" && chains?.has(command.chain) === true) return;
  if (command.kind === "insert" && chains?.get(command.chain)?.rules.includes(command.rule) === true) return;
  iptables.restore({ family, tables: [{ table, commands: [command] }] });
}

/** Sysctls and conntrack deletions, alike in all modes. */
export function runNodeCommand(host: NetworkNamespace, command: NodeCommand): void {
  if (command.kind === "sysctl") return host.sysctls.set(command.name, command.value);
  const address = command.address === undefined ? undefined : parseAddress(command.address);
  const endpoint = command.endpoint === undefined ? undefined : parseAddress(command.endpoint);
  for (const entry of host.conntrack.entries()) {
    const { original, reply } = entry;
    if (original.protocol !== command.protocol.toLowerCase()) continue;
    if (address !== undefined && original.dst !== address) continue;
    if (command.port !== undefined && original.dstPort !== command.port) continue;
    if (endpoint !== undefined && reply.src !== endpoint) continue;
    host.conntrack.delete(entry);
  }
}

export function familiesOf(cluster: Cluster): readonly Family[] {
  const addresses = cluster.nodes.flatMap(({ status }) => status.addresses.flatMap(({ address }) => parseAddress(address) ?? []));
  return (["ipv4", "ipv6"] as const).filter((family) => addresses.some((address) => familyOf(address) === family));
}

export function objectsOf(cluster: Cluster): ProxyObjects {
  return {
    services: cluster.services,
    endpointSlices: cluster.endpointSlices,
    ownerOf: (object: Service | EndpointSlice, path) => cluster.ownerOf(object, path),
  };
}

export function optionsOf(cluster: Cluster, family: Family): ProxyOptions {
  const { podCidrs, ipvsScheduler } = cluster.settings;
  return proxyOptions({ family, detector: cidrDetector(podCidrs, family), ipvsScheduler });
}

/** The node as kube-proxy sees it: its labels, and the addresses of its devices. */
export function proxyNode(host: NetworkNamespace, node: Node): ProxyNode {
  const internal = node.status.addresses
    .filter(({ type }) => type === "InternalIP")
    .flatMap(({ address }) => parseAddress(address) ?? []);
  const nodeIPs: { -readonly [F in Family]?: Address } = {};
  for (const address of internal) nodeIPs[familyOf(address)] ??= address;
  const addresses = [...host.devices.values()].flatMap((device) =>
    device.addresses.map(({ address }) => ({ device: device.name, address })),
  );
  return { name: node.metadata.name, labels: node.metadata.labels, nodeIPs, addresses };
}

