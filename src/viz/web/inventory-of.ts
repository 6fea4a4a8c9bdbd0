import type { Cluster } from "../../cluster/cluster.ts";
import type { Inventory, InventoryPod } from "../inventory.ts";

const zoneLabel = "topology.kubernetes.io/zone";

/** What the page offers to pick: everything that runs, and every Service. */
export function inventoryOf({ nodes, pods, services }: Cluster): Inventory {
  return {
    nodes: nodes.map(({ metadata: { name, labels } }) => {
      const zone = labels[zoneLabel];
      return { name, ...(zone !== undefined && { zone }) };
    }),
    pods: pods.flatMap(({ metadata, spec, status }): readonly InventoryPod[] => {
      if (spec.nodeName === undefined || spec.hostNetwork || status.phase !== "Running") return [];
      const [address] = status.podIPs;
      const port = spec.containers.flatMap(({ ports }) => ports).find(({ protocol }) => protocol === "TCP");
      return [
        {
          name: `${metadata.namespace}/${metadata.name}`,
          node: spec.nodeName,
          ...(address !== undefined && { address }),
          ...(port && { port: port.containerPort }),
        },
      ];
    }),
    services: services.map(({ metadata, spec }) => {
      const port = spec.ports.find(({ protocol }) => protocol === "TCP") ?? spec.ports[0];
      return { host: `${metadata.name}.${metadata.namespace}`, ...(port && { port: port.port }) };
    }),
  };
}
