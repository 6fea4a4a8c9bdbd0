import type { EndpointSlice, ObjectMeta, Service } from "../src/cluster/objects.ts";
import { cidrDetector } from "../src/proxy/local-detector.ts";
import { type ProxyNode, type ProxyOptions, proxyOptions } from "../src/proxy/proxier.ts";
import type { ProxyObjects } from "../src/proxy/tracker.ts";
import { address, formatIPv4, ipv4 } from "../src/wire/address.ts";

/**
 * The objects that the real kube-proxy was measured with: `services` ClusterIP Services of `endpoints` ready
 * endpoints each, spread over 100 nodes.
 */
export function generatedObjects(services: number, endpoints: number): ProxyObjects {
  const names = Array.from({ length: services }, (_, index) => `svc-${String(index).padStart(5, "0")}`);
  return {
    services: names.map((name, index) => generatedService(name, formatIPv4(ipv4(0x0a600001 + index)))),
    endpointSlices: names.map((name, index) => generatedSlice(name, index * endpoints, endpoints)),
    ownerOf: ({ kind, metadata }) => ({ kind, namespace: metadata.namespace, name: metadata.name }),
  };
}

export const benchNode: ProxyNode = {
  name: "node-000",
  labels: {},
  nodeIPs: { ipv4: address("192.168.0.1") },
  addresses: [
    { device: "lo", address: address("127.0.0.1") },
    { device: "eth0", address: address("192.168.0.1") },
  ],
};

export const benchOptions: ProxyOptions = proxyOptions({
  family: "ipv4",
  detector: cidrDetector(["10.128.0.0/9"], "ipv4"),
});

function generatedService(name: string, clusterIP: string): Service {
  return {
    kind: "Service",
    metadata: meta(name),
    spec: {
      type: "ClusterIP",
      clusterIP,
      clusterIPs: [clusterIP],
      ipFamilies: ["IPv4"],
      selector: { app: name },
      ports: [{ name: "http", protocol: "TCP", port: 80, targetPort: 8080, nodePort: 0 }],
      externalIPs: [],
      sessionAffinity: "None",
      sessionAffinityTimeoutSeconds: 10800,
      externalTrafficPolicy: "Cluster",
      internalTrafficPolicy: "Cluster",
      loadBalancerSourceRanges: [],
      healthCheckNodePort: 0,
      allocateLoadBalancerNodePorts: true,
      publishNotReadyAddresses: false,
    },
    status: { loadBalancer: { ingress: [] } },
  };
}

/** The slice of a Service; endpoint number k is 10.128.0.1 + k, on node k mod 100. */
export function generatedSlice(service: string, first: number, count: number): EndpointSlice {
  return {
    kind: "EndpointSlice",
    metadata: meta(`${service}-slice`, { "kubernetes.io/service-name": service }),
    addressType: "IPv4",
    ports: [{ name: "http", protocol: "TCP", port: 8080 }],
    endpoints: Array.from({ length: count }, (_, index) => ({
      addresses: [formatIPv4(ipv4(0x0a800001 + first + index))],
      nodeName: `node-${String((first + index) % 100).padStart(3, "0")}`,
      conditions: { ready: true, serving: true, terminating: false },
    })),
  };
}

function meta(name: string, labels: Readonly<Record<string, string>> = {}): ObjectMeta {
  return { name, namespace: "bench", labels, annotations: {} };
}
