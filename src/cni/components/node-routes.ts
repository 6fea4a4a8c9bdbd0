import type { NodeContext } from "../plugin.ts";
import type { Node } from "../../cluster/objects.ts";
import { addRoute } from "../../kernel/routes.ts";
import type { Owner } from "../../trace/records.ts";
import { type Address, type Family, familyOf, parseAddress } from "../../wire/address.ts";
import { parseCidr } from "../../wire/cidr.ts";

/**
 * Routes to the pods of the other nodes: `POD-CIDR via NODE-IP`, one per node and family, as a cloud's route
 * controller or kindnetd keeps them (kind images/kindnetd/cmd/kindnetd/routes.go). Without them a node knows its own
 * pods only: the bridge plugin does nothing for other nodes.
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
  }
}

function internalAddress(node: Node, family: Family): Address | undefined {
  return node.status.addresses
    .filter(({ type }) => type === "InternalIP")
    .map(({ address }) => parseAddress(address))
    .find((address) => address !== undefined && familyOf(address) === family);
}
