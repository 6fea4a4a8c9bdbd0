import type { Cluster } from "../cluster/cluster.ts";
import type { Node, Pod } from "../cluster/objects.ts";
import type { NetworkNamespace } from "../kernel/namespace.ts";

/** What a plugin works on: namespaces by name, made by the caller. */
export interface NodeContext {
  readonly cluster: Cluster;
  readonly node: Node;
  readonly host: NetworkNamespace;
}

/** A CNI plugin wires pods on a node. It changes namespaces only; every piece of state it makes names its owner. */
export interface CniPlugin {
  readonly name: string;
  /** Once per node, before the first pod: bridge, sysctls. */
  prepareNode(context: NodeContext): void;
  /** The ADD of one pod: veth pair, addresses, routes. */
  add(context: NodeContext, pod: Pod, namespace: NetworkNamespace): void;
  /** The DEL of one pod. */
  del(context: NodeContext, pod: Pod): void;
  /** The host end's device name of a pod, for policy compilers that match on devices. */
  hostDevice(pod: Pod): string;
}
