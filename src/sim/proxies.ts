import type { Cluster, ClusterSettings } from "../cluster/cluster.ts";
import type { Node } from "../cluster/objects.ts";
import type { Iptables } from "../iptables/netns.ts";
import { type IptablesProxierState, iptablesProxier } from "../iptables/proxier.ts";
import { applyToNamespace as applyIptables } from "../iptables/proxier-apply.ts";
import type { Ipvs } from "../ipvs/ipvs.ts";
import { createIpvs } from "../ipvs/netns.ts";
import { type IpvsProxierState, ipvsProxier } from "../ipvs/proxier.ts";
import { applyToNamespace as applyIpvs } from "../ipvs/proxier-apply.ts";
import type { NetworkNamespace } from "../kernel/namespace.ts";
import { type LocalDetector, cidrDetector } from "../proxy/local-detector.ts";
import { type Proxier, type ProxyNode, type ProxyOptions, proxyOptions } from "../proxy/proxier.ts";
import { releaseOf } from "../cluster/release.ts";
import type { ProxyObjects } from "../proxy/tracker.ts";
import { type Address, type Family, familyOf, parseAddress } from "../wire/address.ts";

/** A mode of kube-proxy, to be started on a node. */
export interface NodeProxy {
  start(host: NetworkNamespace, iptables: Iptables): RunningProxy;
}

/** kube-proxy on one node: each sync brings the node to the cluster's state. */
export interface RunningProxy {
  /** What the mode programs, where it is IPVS. */
  readonly ipvs?: Ipvs;
  sync(cluster: Cluster, node: Node): void;
}

export const iptablesProxy: NodeProxy = {
  start: (host, iptables) =>
    running<IptablesProxierState, Parameters<typeof applyIptables>[0][number]>(host, iptablesProxier, (commands) =>
      applyIptables(commands, host, iptables),
    ),
};

export const ipvsProxy: NodeProxy = {
  start(host, iptables) {
    const ipvs = createIpvs(host, iptables);
    const { sync } = running<IpvsProxierState, Parameters<typeof applyIpvs>[0][number]>(host, ipvsProxier, (commands) =>
      applyIpvs(commands, { namespace: host, iptables, ipvs }),
    );
    return { sync, ipvs };
  },
};

/** Both families are programmed by proxiers of their own that share nothing. */
function running<State, Command>(
  host: NetworkNamespace,
  proxier: Proxier<State, Command>,
  apply: (commands: readonly Command[]) => void,
): RunningProxy {
  const states = new Map<Family, State>();
  return {
    sync(cluster, node) {
      for (const family of familiesOf(cluster)) {
        const options = optionsOf(cluster, node, family);
        const objects = { ...objectsOf(cluster), nowNanos: host.surroundings.clock.nowNanos() };
        const { state, commands } = proxier.sync(objects, proxyNode(host, node), options, states.get(family));
        states.set(family, state);
        apply(commands);
      }
    },
  };
}

/** The families that the nodes have addresses of. */
export function familiesOf(cluster: Cluster): readonly Family[] {
  const addresses = cluster.nodes.flatMap(({ status }) =>
    status.addresses.flatMap(({ address }) => parseAddress(address) ?? []),
  );
  return (["ipv4", "ipv6"] as const).filter((family) => addresses.some((address) => familyOf(address) === family));
}

export function objectsOf(cluster: Cluster): ProxyObjects {
  return {
    services: cluster.services,
    endpointSlices: cluster.endpointSlices,
    ownerOf: cluster.ownerOf,
  };
}

export function optionsOf(cluster: Cluster, node: Node, family: Family): ProxyOptions {
  const { kubeVersion, ipvsScheduler, kubeProxy = {} } = cluster.settings;
  const { masqueradeAll, masqueradeBit, nodePortAddresses, localhostNodePorts, ipvsStrictArp } = kubeProxy;
  return proxyOptions({
    family,
    release: releaseOf(kubeVersion),
    detector: detectorOf(cluster.settings, node, family),
    ipvsScheduler,
    ...(masqueradeAll !== undefined && { masqueradeAll }),
    ...(masqueradeBit !== undefined && { masqueradeBit }),
    ...(nodePortAddresses !== undefined && { nodePortAddresses }),
    ...(localhostNodePorts !== undefined && { localhostNodePorts }),
    ...(ipvsStrictArp !== undefined && { ipvsStrictArp }),
  });
}

/** cmd/kube-proxy/app/server_linux.go (getLocalDetectors). */
function detectorOf({ podCidrs, kubeProxy = {} }: ClusterSettings, node: Node, family: Family): LocalDetector {
  switch (kubeProxy.detectLocalMode) {
    case "BridgeInterface":
      return { kind: "bridge", name: kubeProxy.bridgeInterface ?? "" };
    case "InterfaceNamePrefix":
      return { kind: "prefix", prefix: kubeProxy.interfaceNamePrefix ?? "" };
    case "NodeCIDR":
      return cidrDetector(node.spec.podCIDRs, family);
    default:
      return cidrDetector(kubeProxy.clusterCidrs ?? podCidrs, family);
  }
}

/** The node as kube-proxy sees it: its labels, and the addresses of its devices. */
function proxyNode(host: NetworkNamespace, node: Node): ProxyNode {
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
