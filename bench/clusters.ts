import type { ManifestSource } from "../src/cluster/load/load.ts";

/** A cluster as `kubectl get -o json` prints it, with one client and one web server among all the others. */
export interface ClusterSize {
  readonly nodes: number;
  /** Pods besides client and web server. */
  readonly pods: number;
  /** Services besides the web server's, each with ten endpoints. */
  readonly services: number;
}

const podsPerNode = 200;

/** Pods and endpoints are running ones: their addresses, nodes and slices are stated. */
export function generatedCluster({ nodes, pods, services }: ClusterSize): ManifestSource {
  const items = [
    ...range(nodes, (index) => node(index)),
    pod("client", 0, 0, {}),
    pod("web-0", Math.min(1, nodes - 1), 1, { app: "web" }),
    service("web", 0, { app: "web" }),
    ...range(pods, (index) => pod(`pod-${index}`, index % nodes, 2 + Math.floor(index / nodes), { app: `a${index}` })),
    ...range(services, (index) => service(`svc-${index}`, 1 + index, undefined)),
    ...range(services, (index) => slice(`svc-${index}`, index, nodes)),
  ];
  return { name: "cluster.json", text: JSON.stringify({ apiVersion: "v1", kind: "List", items }) };
}

function range<T>(length: number, make: (index: number) => T): T[] {
  return Array.from({ length }, (_, index) => make(index));
}

/** 10.0.0.0/9 in /24s, one a node. */
function podIP(nodeIndex: number, index: number): string {
  return `10.${nodeIndex >> 8}.${nodeIndex & 255}.${2 + (index % podsPerNode)}`;
}

function node(index: number): object {
  const podCIDR = `10.${index >> 8}.${index & 255}.0/24`;
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: `node-${index}` },
    spec: { podCIDR, podCIDRs: [podCIDR] },
    status: { addresses: [{ type: "InternalIP", address: `172.16.${index >> 8}.${index & 255}` }] },
  };
}

function pod(name: string, nodeIndex: number, index: number, labels: Readonly<Record<string, string>>): object {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "bench", labels },
    spec: {
      nodeName: `node-${nodeIndex}`,
      containers: [{ name: "main", image: "bench", ports: [{ containerPort: 8080 }] }],
    },
    status: { phase: "Running", podIP: podIP(nodeIndex, index), podIPs: [{ ip: podIP(nodeIndex, index) }] },
  };
}

function service(name: string, index: number, selector: Readonly<Record<string, string>> | undefined): object {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "bench" },
    spec: {
      clusterIP: `10.${200 + (index >> 14)}.${(index >> 6) & 255}.${20 + (index & 63)}`,
      ...(selector && { selector }),
      ports: [{ port: 80, targetPort: 8080 }],
    },
  };
}

function slice(name: string, index: number, nodes: number): object {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: `${name}-slice`, namespace: "bench", labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    ports: [{ port: 8080, protocol: "TCP" }],
    endpoints: range(10, (endpoint) => {
      const nodeIndex = (index + endpoint) % nodes;
      const address = podIP(nodeIndex, 2 + ((index + endpoint) % (podsPerNode - 2)));
      return { addresses: [address], nodeName: `node-${nodeIndex}`, conditions: { ready: true } };
    }),
  };
}
