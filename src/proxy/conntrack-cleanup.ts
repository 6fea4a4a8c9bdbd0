import type { EndpointSlice } from "../cluster/objects.ts";
import type { Family } from "../wire/address.ts";
import { type Endpoint, type EndpointContext, endpointsOf } from "./endpoints.ts";
import type { NodeCommand } from "./proxier.ts";
import type { ServicePort } from "./service-port.ts";
import { since } from "../cluster/release.ts";
import type { ServiceChange, ServiceMap, TrackedPort } from "./tracker.ts";

type Deletion = Extract<NodeCommand, { kind: "delete-connections" }>;
type Reconciliation = Extract<NodeCommand, { kind: "reconcile-connections" }>;

/** What a sync does to connections that lead nowhere any more. */
export function connectionCleanup(
  map: ServiceMap,
  changes: readonly ServiceChange[],
  context: EndpointContext,
): readonly (Deletion | Reconciliation)[] {
  if (context.release < since.conntrackReconciler) return staleConnections(changes, context);
  return [reconciliation(map, changes, context)];
}

/**
 * Which connections kube-proxy 1.30 deletes after a sync, for UDP alone: of a cluster IP whose port went away, of
 * a port whose slices got their first serving endpoint, and those translated to an endpoint that no slice holds any
 * more. One that stays in its slice and serves no more keeps its connections.
 * pkg/proxy/conntrack/cleanup.go, pkg/proxy/endpointschangetracker.go (detectStaleConntrackEntries).
 */
function staleConnections(changes: readonly ServiceChange[], context: EndpointContext): Deletion[] {
  const addresses = new Set<string>();
  const nodePorts = new Set<number>();
  const endpoints: Deletion[] = [];
  for (const { before, after, slicesBefore, slicesAfter } of changes) {
    const ports = new Map(after.filter(isUdp).map(({ port }) => [port.portName, port]));
    for (const { port } of before.filter(isUdp)) if (!ports.has(port.portName)) addresses.add(port.clusterIP);
    if (ports.size === 0) continue;
    for (const [portName, port] of ports) {
      const was = udpEndpoints(portName, slicesBefore, context);
      const now = slicesAfter === slicesBefore ? was : udpEndpoints(portName, slicesAfter, context);
      if (now.some(isServing) && !was.some(isServing)) {
        for (const address of addressesOf(port)) addresses.add(address);
        if (port.nodePort !== 0) nodePorts.add(port.nodePort);
      }
      const present = new Set(now.map(({ text }) => text));
      for (const { text, address } of was.filter(isServing)) {
        if (!present.has(text)) endpoints.push(...translatedTo(address, port, context.family));
      }
    }
  }
  const common = { kind: "delete-connections", family: context.family, protocol: "UDP" } as const;
  return [
    ...[...addresses].map((address): Deletion => ({ ...common, address })),
    ...[...nodePorts].map((port): Deletion => ({ ...common, port })),
    ...endpoints,
  ];
}

/**
 * What 1.32 and later do at every sync. A port without serving endpoints is passed over at first, and one whose
 * Service went away is not looked at. pkg/proxy/conntrack/cleanup.go (CleanStaleEntries).
 */
function reconciliation(
  { services: tracked }: ServiceMap,
  changes: readonly ServiceChange[],
  { family, release }: EndpointContext,
): Reconciliation {
  const services = new Map<string, ReadonlySet<string>>();
  const nodePorts = new Map<number, ReadonlySet<string>>();
  const keep = (port: ServicePort, endpoints: ReadonlySet<string>): void => {
    for (const address of addressesOf(port)) {
      services.set(family === "ipv6" ? `[${address}]:${port.port}` : `${address}:${port.port}`, endpoints);
    }
    if (port.nodePort !== 0) nodePorts.set(port.nodePort, endpoints);
  };
  if (release >= since.conntrackOfDeletedServices) {
    for (const { before } of changes) for (const { port } of before.filter(isUdp)) keep(port, new Set());
  }
  for (const { ports } of tracked) {
    for (const { port, endpoints } of ports.filter(isUdp)) {
      const serving = new Set(endpoints.filter(isServing).map(({ address }) => address));
      if (serving.size > 0 || release >= since.conntrackWithoutEndpoints) keep(port, serving);
    }
  }
  return { kind: "reconcile-connections", family, services, nodePorts };
}

/** The event as text: `conntrack clear: ip=10.96.0.10 proto=UDP`. */
export function cleanupText(cleanup: Deletion | Reconciliation): string {
  if (cleanup.kind === "reconcile-connections") return "conntrack reconcile: proto=UDP";
  const { address, port, endpoint, protocol } = cleanup;
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

function isServing({ serving }: Endpoint): boolean {
  return serving;
}

function udpEndpoints(
  portName: string,
  slices: readonly EndpointSlice[],
  context: EndpointContext,
): readonly Endpoint[] {
  return endpointsOf({ portName, protocol: "UDP" }, slices, context).endpoints;
}

function addressesOf(port: ServicePort): readonly string[] {
  return [port.clusterIP, ...port.externalIPs, ...port.loadBalancerIPs];
}

/** With a nodePort the cluster IP's own connections are left alone: so does kube-proxy. */
function translatedTo(endpoint: string, port: ServicePort, family: Family): Deletion[] {
  const common = { kind: "delete-connections", family, protocol: "UDP", endpoint } as const;
  const external = [...port.externalIPs, ...port.loadBalancerIPs];
  return [
    port.nodePort === 0 ? { ...common, address: port.clusterIP } : { ...common, port: port.nodePort },
    ...external.map((address) => ({ ...common, address })),
  ];
}
