import type { Owner } from "../trace/records.ts";
import type {
  ConfigMap,
  EndpointSlice,
  KubernetesObject,
  Namespace,
  NetworkPolicy,
  Node,
  Pod,
  Service,
  UnmodelledObject,
  Workload,
} from "./objects.ts";

/** Settings of the cluster as a whole. What the input does not say is assumed and listed. */
export interface ClusterSettings {
  /** A key of the CNI registry in sim/components.ts. */
  readonly cni: string;
  /** A key of the proxier registry: `iptables`, `ipvs`. */
  readonly proxyMode: string;
  /** By family. */
  readonly podCidrs: readonly string[];
  readonly serviceCidrs: readonly string[];
  /** Prefix length of a node's part of the pod CIDRs. */
  readonly nodeCidrMaskSize: { readonly ipv4: number; readonly ipv6: number };
  /** How many nodes are made when the input has none. */
  readonly nodeCount: number;
  /** `assumed`: CoreDNS and the Services kube-dns and kubernetes are made when the input lacks them. */
  readonly systemComponents: "assumed" | "none";
  readonly clusterDomain: string;
  /** `enforced` where something on the nodes compiles policies, `none` where nobody does. */
  readonly networkPolicy: "enforced" | "none";
  readonly kubeVersion: string;
  readonly ipvsScheduler: string;
  /** Options of kube-proxy that are not its defaults. */
  readonly kubeProxy?: Partial<KubeProxySettings>;
  /** Who runs on the nodes beside the CNI plugin. */
  readonly masqueradeLeavingCluster: boolean;
  readonly bridgeNfCallIptables: boolean;
  /** A key of the kernel profiles: `6.18`. */
  readonly kernel: string;
}

/** Options of kube-proxy (pkg/proxy/apis/config/types.go). */
export interface KubeProxySettings {
  /** Everything for a cluster IP is masqueraded. */
  readonly masqueradeAll: boolean;
  /** Which bit of the packet mark says so, 0 to 31. */
  readonly masqueradeBit: number;
  /** Blocks of the node addresses that nodePorts are served on; empty: all. */
  readonly nodePortAddresses: readonly string[];
  /** nodePorts are served on 127.0.0.1, too. */
  readonly localhostNodePorts: boolean;
  readonly detectLocalMode: "ClusterCIDR" | "NodeCIDR" | "BridgeInterface" | "InterfaceNamePrefix";
  /** In IPVS mode nodes answer ARP for the addresses of the asked device alone. */
  readonly ipvsStrictArp: boolean;
  /** For ClusterCIDR; absent: the pod CIDRs, empty: pods are not told from others. */
  readonly clusterCidrs: readonly string[];
  /** For BridgeInterface. */
  readonly bridgeInterface: string;
  /** For InterfaceNamePrefix. */
  readonly interfaceNamePrefix: string;
}

/**
 * A cluster as the controllers leave it: every pod has a node and an address, every Service its addresses and
 * slices. Immutable; lists are sorted by namespace and name. Pure data: origins hang on it by object identity.
 */
export interface Cluster {
  readonly settings: ClusterSettings;
  readonly nodes: readonly Node[];
  readonly namespaces: readonly Namespace[];
  readonly pods: readonly Pod[];
  readonly workloads: readonly Workload[];
  readonly services: readonly Service[];
  readonly endpointSlices: readonly EndpointSlice[];
  readonly networkPolicies: readonly NetworkPolicy[];
  readonly configMaps: readonly ConfigMap[];
  readonly unmodelled: readonly UnmodelledObject[];
  /** What was assumed on the way here, in the order it was. */
  readonly assumptions: readonly { readonly id: string; readonly text: string; readonly override?: string }[];
  /** The owner (with its manifest line) of an object, or of the part of it at `path`. */
  ownerOf(object: KubernetesObject, path?: readonly (string | number)[]): Owner;
}
