import type { Node, Pod } from "./objects.ts";

/** What an IPAM plugin knows of a node when it is asked. */
export interface IpamHistory {
  /** Whether some pod of the cluster has the address. */
  isTaken(address: string): boolean;
  /** The addresses given last on this node, one per range; empty at the start. */
  readonly last: readonly string[];
}

/**
 * The IPAM of the CNI plugin: addresses for a new pod on a node, one per family; undefined when none is left. Pure, so
 * that a cluster is built the same way each time. The layer of the CNI plugins supplies it (cni/ipam).
 */
export type AllocatePodIPs = (node: Node, pod: Pod, history: IpamHistory) => readonly string[] | undefined;
