import type { NodeCommand } from "./proxier.ts";
import type { ServicePort } from "./service-port.ts";
import type { ServiceChange, TrackedPort } from "./tracker.ts";

type Deletion = Extract<NodeCommand, { kind: "delete-connections" }>;

/**
 * Which connections kube-proxy 1.30 deletes after a sync, for UDP alone: of a cluster IP whose port went away, of
 * a port that got its first serving endpoint, and those translated to an endpoint that went away.
 * pkg/proxy/conntrack/cleanup.go, pkg/proxy/endpointschangetracker.go (detectStaleConntrackEntries).
 */
export function staleConnections(changes: readonly ServiceChange[]): Deletion[] {
  const addresses = new Set<string>();
  const nodePorts = new Set<number>();
  const endpoints: Deletion[] = [];
  for (const { before, after } of changes) {
    const old = new Map(before.filter(isUdp).map((tracked) => [tracked.port.portName, tracked]));
    for (const { port, endpoints: now } of after.filter(isUdp)) {
      const was = old.get(port.portName)?.endpoints.filter(({ serving }) => serving) ?? [];
      old.delete(port.portName);
      if (was.length === 0 && now.some(({ serving }) => serving)) {
        for (const address of addressesOf(port)) addresses.add(address);
        if (port.nodePort !== 0) nodePorts.add(port.nodePort);
      }
      const serving = new Set(now.flatMap((endpoint) => (endpoint.serving ? [endpoint.text] : [])));
      for (const { text, address } of was) if (!serving.has(text)) endpoints.push(...translatedTo(address, port));
    }
    for (const { port } of old.values()) addresses.add(port.clusterIP);
  }
  return [
    ...[...addresses].map((address): Deletion => ({ kind: "delete-connections", protocol: "UDP", address })),
    ...[...nodePorts].map((port): Deletion => ({ kind: "delete-connections", protocol: "UDP", port })),
    ...endpoints,
  ];
}

/** The event as text: `conntrack clear: ip=10.96.0.10 proto=UDP`. */
export function deletionText({ address, port, endpoint, protocol }: Deletion): string {
  const terms = [
    address === undefined ? [] : [`ip=${address}`],
    port === undefined ? [] : [`port=${port}`],
    endpoint === undefined ? [] : [`endpoint=${endpoint}`],
  ];
  return `conntrack clear: ${terms.flat().join(" ")} proto=${protocol}`;
}

function isUdp({ port }: TrackedPort): boolean {
  return port.protocol === "UDP";
}

function addressesOf(port: ServicePort): readonly string[] {
  return [port.clusterIP, ...port.externalIPs, ...port.loadBalancerIPs];
}

/** With a nodePort the cluster IP's own connections are left alone: so does kube-proxy. */
function translatedTo(endpoint: string, port: ServicePort): Deletion[] {
  const common = { kind: "delete-connections", protocol: "UDP", endpoint } as const;
  const external = [...port.externalIPs, ...port.loadBalancerIPs];
  return [
    port.nodePort === 0 ? { ...common, address: port.clusterIP } : { ...common, port: port.nodePort },
    ...external.map((address) => ({ ...common, address })),
  ];
}
