/**
 * The Kubernetes objects that matter for networking, in the API's own shape and after the API server's
 * defaulting. Everything is readonly; edits go through immer (edit.ts). Field names are the API's.
 */

export interface ObjectMeta {
  readonly name: string;
  /** "" for cluster-scoped objects. */
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly { readonly kind: string; readonly name: string }[];
  readonly deletionTimestamp?: string;
}

export type Protocol = "TCP" | "UDP" | "SCTP";

export interface Node {
  readonly kind: "Node";
  readonly metadata: ObjectMeta;
  readonly spec: {
    readonly podCIDRs: readonly string[];
    readonly taints?: readonly Taint[];
    readonly unschedulable?: boolean;
  };
  readonly status: {
    readonly addresses: readonly { readonly type: string; readonly address: string }[];
    /** `allocatable.cpu` in thousandths of a CPU, where the input states it. */
    readonly allocatableMilliCpu?: number;
    /** False: a condition Ready says otherwise. */
    readonly ready?: boolean;
  };
}

export interface Taint {
  readonly key: string;
  readonly value?: string;
  readonly effect: string;
}

export interface Namespace {
  readonly kind: "Namespace";
  readonly metadata: ObjectMeta;
}

export interface ContainerPort {
  readonly name?: string;
  readonly containerPort: number;
  readonly protocol: Protocol;
  readonly hostPort?: number;
  readonly hostIP?: string;
}

export interface Probe {
  readonly port: number | string;
  readonly kind: "httpGet" | "tcpSocket" | "grpc";
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly ports: readonly ContainerPort[];
  readonly probes: readonly Probe[];
}

export type DnsPolicy = "ClusterFirst" | "ClusterFirstWithHostNet" | "Default" | "None";

export interface DnsConfig {
  readonly nameservers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly { readonly name: string; readonly value?: string }[];
}

export interface Toleration {
  /** "" tolerates every taint. */
  readonly key: string;
  readonly operator: "Equal" | "Exists";
  readonly value: string;
  /** "" tolerates every effect. */
  readonly effect: string;
}

export interface PodSpec {
  readonly nodeName?: string;
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly tolerations?: readonly Toleration[];
  readonly hostNetwork: boolean;
  /** False: no variables for the Services of its namespace. */
  readonly enableServiceLinks?: boolean;
  readonly hostname?: string;
  readonly subdomain?: string;
  readonly dnsPolicy: DnsPolicy;
  readonly dnsConfig?: DnsConfig;
  readonly containers: readonly Container[];
}

export interface Pod {
  readonly kind: "Pod";
  readonly metadata: ObjectMeta;
  readonly spec: PodSpec;
  readonly status: {
    readonly phase: "Pending" | "Running" | "Succeeded" | "Failed";
    readonly podIPs: readonly string[];
    readonly ready: boolean;
    /** The node's address, where the input states it. */
    readonly hostIP?: string;
  };
}

/** Deployment, ReplicaSet, StatefulSet, DaemonSet, ReplicationController, Job, CronJob. */
export interface Workload {
  readonly kind: WorkloadKind;
  readonly metadata: ObjectMeta;
  readonly spec: {
    readonly replicas: number;
    readonly selector: LabelSelector;
    /** Of a StatefulSet: the governing Service. */
    readonly serviceName?: string;
    /** Of a StatefulSet: the first ordinal, 0 where absent. */
    readonly firstOrdinal?: number;
    readonly template: { readonly metadata: Pick<ObjectMeta, "labels" | "annotations">; readonly spec: PodSpec };
  };
}

export type WorkloadKind =
  | "Deployment"
  | "ReplicaSet"
  | "StatefulSet"
  | "DaemonSet"
  | "ReplicationController"
  | "Job"
  | "CronJob";

export interface ServicePort {
  /** "" when the Service has one port without a name. */
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
  readonly targetPort: number | string;
  /** 0 when there is none. */
  readonly nodePort: number;
}

export interface Service {
  readonly kind: "Service";
  readonly metadata: ObjectMeta;
  readonly spec: {
    readonly type: "ClusterIP" | "NodePort" | "LoadBalancer" | "ExternalName";
    /** "None" for headless, "" for ExternalName. */
    readonly clusterIP: string;
    readonly clusterIPs: readonly string[];
    readonly ipFamilies: readonly ("IPv4" | "IPv6")[];
    readonly ipFamilyPolicy?: "SingleStack" | "PreferDualStack" | "RequireDualStack";
    readonly selector?: Readonly<Record<string, string>>;
    readonly ports: readonly ServicePort[];
    readonly externalIPs: readonly string[];
    readonly externalName?: string;
    readonly sessionAffinity: "None" | "ClientIP";
    readonly sessionAffinityTimeoutSeconds: number;
    readonly externalTrafficPolicy: "Cluster" | "Local";
    readonly internalTrafficPolicy: "Cluster" | "Local";
    readonly loadBalancerSourceRanges: readonly string[];
    readonly healthCheckNodePort: number;
    readonly allocateLoadBalancerNodePorts: boolean;
    readonly publishNotReadyAddresses: boolean;
    readonly trafficDistribution?: string;
  };
  readonly status: { readonly loadBalancer: { readonly ingress: readonly LoadBalancerIngress[] } };
}

export interface LoadBalancerIngress {
  readonly ip?: string;
  readonly hostname?: string;
  readonly ipMode?: "VIP" | "Proxy";
}

export interface EndpointPort {
  readonly name?: string;
  readonly protocol: Protocol;
  readonly port?: number;
}

export interface EndpointConditions {
  readonly ready?: boolean;
  readonly serving?: boolean;
  readonly terminating?: boolean;
}

export interface Endpoint {
  readonly addresses: readonly string[];
  readonly conditions: EndpointConditions;
  readonly hostname?: string;
  readonly nodeName?: string;
  readonly zone?: string;
  readonly targetRef?: { readonly kind: string; readonly namespace: string; readonly name: string };
  readonly hints?: { readonly forZones: readonly string[]; readonly forNodes?: readonly string[] };
}

/** discovery.k8s.io/v1. A null port name or number stays absent. */
export interface EndpointSlice {
  readonly kind: "EndpointSlice";
  readonly metadata: ObjectMeta;
  readonly addressType: "IPv4" | "IPv6" | "FQDN";
  readonly ports: readonly EndpointPort[];
  readonly endpoints: readonly Endpoint[];
}

/** v1 Endpoints, of which the mirroring controller makes slices. */
export interface Endpoints {
  readonly kind: "Endpoints";
  readonly metadata: ObjectMeta;
  readonly subsets: readonly {
    readonly addresses: readonly { readonly ip: string; readonly nodeName?: string; readonly hostname?: string }[];
    readonly notReadyAddresses: readonly {
      readonly ip: string;
      readonly nodeName?: string;
      readonly hostname?: string;
    }[];
    readonly ports: readonly { readonly name: string; readonly protocol: Protocol; readonly port: number }[];
  }[];
}

export interface LabelSelector {
  readonly matchLabels: Readonly<Record<string, string>>;
  readonly matchExpressions: readonly {
    readonly key: string;
    readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist";
    readonly values: readonly string[];
  }[];
}

export interface NetworkPolicyPort {
  readonly protocol: Protocol;
  /** Absent: every port of the protocol. */
  readonly port?: number | string;
  readonly endPort?: number;
}

export interface NetworkPolicyPeer {
  readonly podSelector?: LabelSelector;
  readonly namespaceSelector?: LabelSelector;
  readonly ipBlock?: { readonly cidr: string; readonly except: readonly string[] };
}

export interface NetworkPolicyRule {
  /** `from` of an ingress rule, `to` of an egress rule; empty: any peer. */
  readonly peers: readonly NetworkPolicyPeer[];
  /** Empty: any port of any protocol. */
  readonly ports: readonly NetworkPolicyPort[];
}

/** networking.k8s.io/v1. `from` and `to` are both called `peers` here; otherwise the API's shape. */
export interface NetworkPolicy {
  readonly kind: "NetworkPolicy";
  readonly metadata: ObjectMeta;
  readonly spec: {
    readonly podSelector: LabelSelector;
    /** After defaulting: Ingress, Egress or both. */
    readonly policyTypes: readonly ("Ingress" | "Egress")[];
    readonly ingress: readonly NetworkPolicyRule[];
    readonly egress: readonly NetworkPolicyRule[];
  };
}

export interface ConfigMap {
  readonly kind: "ConfigMap";
  readonly metadata: ObjectMeta;
  readonly data: Readonly<Record<string, string>>;
}

/** A kind that has to do with networking, is read, and is not modelled: where it could matter the verdict is unknown. */
export interface UnmodelledObject {
  readonly kind: "Unmodelled";
  /** The object's own kind: `Ingress`, `Gateway`, `CiliumNetworkPolicy`. */
  readonly apiKind: string;
  readonly metadata: ObjectMeta;
  /** The namespaces, Services or pods it names, where that is cheap to know. */
  readonly mentions: readonly string[];
}

export type KubernetesObject =
  | Node
  | Namespace
  | Pod
  | Workload
  | Service
  | EndpointSlice
  | Endpoints
  | NetworkPolicy
  | ConfigMap
  | UnmodelledObject;
