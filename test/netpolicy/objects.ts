import type { Cluster } from "../../src/cluster/cluster.ts";
import type { ContainerPort, LabelSelector, NetworkPolicy, Node, ObjectMeta, Pod } from "../../src/cluster/objects.ts";

/** Objects as short as a table of packets needs them. */

function meta(id: string, labels: Record<string, string> = {}): ObjectMeta {
  const [namespace = "", name = ""] = id.includes("/") ? id.split("/") : ["", id];
  return { name, namespace, labels, annotations: {} };
}

export function pod(
  id: string,
  podIP: string | readonly string[],
  options: {
    node?: string;
    hostNetwork?: boolean;
    phase?: "Running" | "Succeeded";
    ports?: readonly ContainerPort[];
  } = {},
): Pod {
  const metadata = meta(id);
  return {
    kind: "Pod",
    metadata: { ...metadata, labels: { app: metadata.name } },
    spec: {
      nodeName: options.node ?? "node-a",
      hostNetwork: options.hostNetwork ?? false,
      dnsPolicy: "ClusterFirst",
      containers: [{ name: "main", image: "", ports: options.ports ?? [], probes: [] }],
    },
    status: { phase: options.phase ?? "Running", podIPs: [podIP].flat(), ready: true },
  };
}

export function selector(matchLabels: Record<string, string> = {}): LabelSelector {
  return { matchLabels, matchExpressions: [] };
}

export function policy(id: string, spec: Partial<NetworkPolicy["spec"]>): NetworkPolicy {
  return {
    kind: "NetworkPolicy",
    metadata: meta(id),
    spec: { podSelector: selector(), policyTypes: ["Ingress"], ingress: [], egress: [], ...spec },
  };
}

export function node(name: string, address: string | readonly string[], podCIDR: string | readonly string[]): Node {
  return {
    kind: "Node",
    metadata: meta(name),
    spec: { podCIDRs: [podCIDR].flat() },
    status: { addresses: [address].flat().map((text) => ({ type: "InternalIP", address: text })) },
  };
}

export function cluster(parts: Partial<Cluster>): Cluster {
  return {
    settings: {
      cni: "bridge",
      proxyMode: "iptables",
      podCidrs: ["10.244.0.0/16"],
      serviceCidrs: ["10.96.0.0/12"],
      nodeCidrMaskSize: { ipv4: 24, ipv6: 64 },
      nodeCount: 2,
      systemComponents: "none",
      clusterDomain: "cluster.local",
      networkPolicy: "enforced",
      kubeVersion: "1.30",
      ipvsScheduler: "rr",
      masqueradeLeavingCluster: true,
      bridgeNfCallIptables: true,
      kernel: "6.18",
    },
    nodes: [],
    namespaces: [],
    pods: [],
    workloads: [],
    services: [],
    endpointSlices: [],
    networkPolicies: [],
    configMaps: [],
    unmodelled: [],
    assumptions: [],
    ownerOf: ({ kind, metadata: { namespace, name } }) => ({ kind, ...(namespace && { namespace }), name }),
    ...parts,
  };
}
