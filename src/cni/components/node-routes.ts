import type { NodeContext } from "../plugin.ts";
import type { Cluster } from "../../cluster/cluster.ts";
import type { Node, Pod } from "../../cluster/objects.ts";
import { addRoute } from "../../kernel/routes.ts";
import type { Owner } from "../../trace/records.ts";
import { type Address, type Family, familyOf, parseAddress } from "../../wire/address.ts";
import { contains, hostCidr, parseCidr } from "../../wire/cidr.ts";

/**
 * Routes to the pods of the other nodes: `POD-CIDR via NODE-IP`, one per node and family, as a cloud's route
 * controller or kindnetd keeps them (kind images/kindnetd/cmd/kindnetd/routes.go). Without them a node knows its own
 * pods only: the bridge plugin does nothing for other nodes. A pod whose stated address lies outside its node's CIDRs
 * has a route of its own.
 */
export function addNodeRoutes({ cluster, node, host }: NodeContext): void {
  for (const other of cluster.nodes) {
    if (other.metadata.name === node.metadata.name) continue;
    const owner: Owner = { kind: "Component", name: "node routes", detail: `pods of node ${other.metadata.name}` };
    for (const text of other.spec.podCIDRs) {
      const destination = parseCidr(text);
      const via = destination && internalAddress(other, familyOf(destination.base));
      if (destination !== undefined && via !== undefined) addRoute(host, { destination, via, owner });
    }
    for (const { pod, address } of straysOf(cluster).get(other.metadata.name) ?? []) {
      const via = internalAddress(other, familyOf(address));
      const detail = `pod ${pod.metadata.namespace}/${pod.metadata.name} of node ${other.metadata.name}`;
      if (via !== undefined) addRoute(host, { destination: hostCidr(address), via, owner: { ...owner, detail } });
    }
  }
}

interface Stray {
  readonly pod: Pod;
  readonly address: Address;
}

const strays = new WeakMap<Cluster, ReadonlyMap<string, readonly Stray[]>>();

/** By node, its pods with addresses outside its CIDRs. */
function straysOf(cluster: Cluster): ReadonlyMap<string, readonly Stray[]> {
  const known = strays.get(cluster);
  if (known !== undefined) return known;
  const blocks = new Map(
    cluster.nodes.map(({ metadata, spec }) => [metadata.name, spec.podCIDRs.flatMap((text) => parseCidr(text) ?? [])]),
  );
  const found = new Map<string, Stray[]>();
  for (const pod of cluster.pods) {
    const { hostNetwork, nodeName = "" } = pod.spec;
    if (hostNetwork || pod.status.phase !== "Running") continue;
    for (const text of pod.status.podIPs) {
      const address = parseAddress(text);
      if (address === undefined || blocks.get(nodeName)?.some((block) => contains(block, address))) continue;
      found.set(nodeName, [...(found.get(nodeName) ?? []), { pod, address }]);
    }
  }
  strays.set(cluster, found);
  return found;
}

function internalAddress(node: Node, family: Family): Address | undefined {
  return node.status.addresses
    .filter(({ type }) => type === "InternalIP")
    .map(({ address }) => parseAddress(address))
    .find((address) => address !== undefined && familyOf(address) === family);
}
