import { expect } from "vitest";
import { explore } from "../../src/analysis/explore.ts";
import type { Choice, Trace } from "../../src/trace/records.ts";
import { inputOf, packetSteps, probe } from "../sim/traces.ts";

/* The cluster of the packet-flow table, and what a probe in it may come to. */

export const half: number = 1 / 2;
/** `--probability 0.3333333333` as the kernel keeps it: a fraction of 2^31. */
export const third: number = 715_827_883 / 2 ** 31;

const pods = [
  { name: "client-a", node: "node-a", ip: "10.244.0.10" },
  { name: "client-b", node: "node-b", ip: "10.244.1.10" },
  { name: "web-a", node: "node-a", ip: "10.244.0.20" },
  { name: "web-b", node: "node-b", ip: "10.244.1.20" },
  { name: "web-c", node: "node-b", ip: "10.244.1.30" },
] as const;
type Server = "web-a" | "web-b" | "web-c";

const clients = {
  "pod-a": { from: "pod/client-a", ip: "10.244.0.10" },
  "pod-b": { from: "pod/client-b", ip: "10.244.1.10" },
  "web-a": { from: "pod/web-a", ip: "10.244.0.20" },
  "node-a": { from: "node/node-a", ip: "172.18.0.2" },
  "node-b": { from: "node/node-b", ip: "172.18.0.3" },
  outside: { from: "external:203.0.113.8", ip: "203.0.113.8" },
  /** Outside, and in the source ranges. */
  allowed: { from: "external:198.51.100.9", ip: "198.51.100.9" },
} as const;
export type Client = keyof typeof clients;

/** What a masqueraded packet has as its source: the address of the device it leaves by. */
export const bridgeA: string = "10.244.0.1";
export const bridgeB: string = "10.244.1.1";
export const nodeA: string = clients["node-a"].ip;
export const nodeB: string = clients["node-b"].ip;

interface ServiceSpec {
  readonly servers: readonly Server[];
  /** Conditions of endpoints that are not simply ready. */
  readonly conditions?: Readonly<Partial<Record<Server, object>>>;
  /** Zones that endpoints are hinted for; the Service asks for hints then. */
  readonly hints?: Readonly<Partial<Record<Server, string>>>;
  readonly [field: string]: unknown;
}

const terminating = { ready: false, serving: true, terminating: true };
const unready = { ready: false, serving: false, terminating: false };
const lb = { type: "LoadBalancer", allocateLoadBalancerNodePorts: false };
const both: readonly Server[] = ["web-a", "web-b"];
const services: Readonly<Record<string, ServiceSpec & { readonly ingress?: string }>> = {
  cluster: { clusterIP: "10.96.0.10", servers: both },
  three: { clusterIP: "10.96.0.11", servers: ["web-a", "web-b", "web-c"] },
  empty: { clusterIP: "10.96.0.12", servers: [] },
  internal: { clusterIP: "10.96.0.13", internalTrafficPolicy: "Local", servers: both },
  "internal-far": { clusterIP: "10.96.0.14", internalTrafficPolicy: "Local", servers: ["web-b"] },
  np: { clusterIP: "10.96.0.15", type: "NodePort", nodePort: 30_015, servers: both },
  npl: {
    clusterIP: "10.96.0.16",
    type: "NodePort",
    nodePort: 30_016,
    externalTrafficPolicy: "Local",
    servers: both,
  },
  "npl-far": {
    clusterIP: "10.96.0.17",
    type: "NodePort",
    nodePort: 30_017,
    externalTrafficPolicy: "Local",
    servers: ["web-b"],
  },
  "np-empty": { clusterIP: "10.96.0.18", type: "NodePort", nodePort: 30_018, servers: [] },
  lb: { clusterIP: "10.96.0.20", ...lb, ingress: "192.0.2.20", servers: both },
  lbl: { clusterIP: "10.96.0.21", ...lb, externalTrafficPolicy: "Local", ingress: "192.0.2.21", servers: both },
  "lb-ranges": {
    clusterIP: "10.96.0.22",
    ...lb,
    loadBalancerSourceRanges: ["198.51.100.0/24"],
    ingress: "192.0.2.22",
    servers: both,
  },
  "lb-empty": { clusterIP: "10.96.0.23", ...lb, ingress: "192.0.2.23", servers: [] },
  extip: { clusterIP: "10.96.0.24", externalIPs: ["192.0.2.24"], servers: both },
  "extip-far": {
    clusterIP: "10.96.0.25",
    externalIPs: ["192.0.2.25"],
    externalTrafficPolicy: "Local",
    servers: ["web-b"],
  },
  extipl: {
    clusterIP: "10.96.0.26",
    externalIPs: ["192.0.2.26"],
    externalTrafficPolicy: "Local",
    servers: both,
  },
  "lb-nodes": {
    clusterIP: "10.96.0.27",
    ...lb,
    loadBalancerSourceRanges: ["172.18.0.0/16"],
    ingress: "192.0.2.27",
    servers: both,
  },
  "lbl-far": {
    clusterIP: "10.96.0.28",
    ...lb,
    externalTrafficPolicy: "Local",
    ingress: "192.0.2.28",
    servers: ["web-b"],
  },
  unready: { clusterIP: "10.96.0.30", servers: both, conditions: { "web-a": unready } },
  "all-unready": { clusterIP: "10.96.0.31", servers: both, conditions: { "web-a": unready, "web-b": unready } },
  leaving: { clusterIP: "10.96.0.32", servers: both, conditions: { "web-a": terminating } },
  "all-leaving": { clusterIP: "10.96.0.33", servers: both, conditions: { "web-a": terminating, "web-b": terminating } },
  "npl-leaving": {
    clusterIP: "10.96.0.34",
    type: "NodePort",
    nodePort: 30_034,
    externalTrafficPolicy: "Local",
    servers: both,
    conditions: { "web-a": terminating },
  },
  hinted: { clusterIP: "10.96.0.35", servers: both, hints: { "web-a": "zone-a", "web-b": "zone-b" } },
  "half-hinted": { clusterIP: "10.96.0.36", servers: both, hints: { "web-a": "zone-a" } },
  "hinted-away": { clusterIP: "10.96.0.37", servers: both, hints: { "web-a": "zone-b", "web-b": "zone-b" } },
  "hinted-local": {
    clusterIP: "10.96.0.38",
    internalTrafficPolicy: "Local",
    servers: both,
    hints: { "web-a": "zone-b", "web-b": "zone-a" },
  },
};

function manifests(): string {
  const nodes = ["node-a", "node-b"].map((name, index) => ({
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, labels: { "topology.kubernetes.io/zone": `zone-${"ab"[index]}` } },
    spec: { podCIDR: `10.244.${index}.0/24`, podCIDRs: [`10.244.${index}.0/24`] },
    status: { addresses: [{ type: "InternalIP", address: `172.18.0.${index + 2}` }] },
  }));
  const running = pods.map(({ name, node, ip }) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name },
    spec: { nodeName: node, containers: [{ name: "c", image: "c", ports: [{ containerPort: 8080 }] }] },
    status: { phase: "Running", podIP: ip, podIPs: [{ ip }] },
  }));
  const objects = Object.entries(services).flatMap(([name, service]) => [
    serviceObject(name, service),
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name: `${name}-1`, labels: { "kubernetes.io/service-name": name } },
      addressType: "IPv4",
      ports: [{ name: "", port: 8080, protocol: "TCP" }],
      endpoints: pods.flatMap(({ name: pod, ip, node }) => {
        const server = service.servers.find((known) => known === pod);
        if (server === undefined) return [];
        const zone = service.hints?.[server];
        const hints = zone === undefined ? {} : { hints: { forZones: [{ name: zone }] } };
        return [{ addresses: [ip], nodeName: node, conditions: service.conditions?.[server] ?? {}, ...hints }];
      }),
    },
  ]);
  return JSON.stringify({ apiVersion: "v1", kind: "List", items: [...nodes, ...running, ...objects] });
}

function serviceObject(name: string, service: (typeof services)[string]): object {
  const { servers: _servers, conditions: _conditions, hints, ingress, nodePort, ...spec } = service;
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, ...(hints && { annotations: { "service.kubernetes.io/topology-mode": "Auto" } }) },
    spec: { ...spec, ports: [{ port: 80, targetPort: 8080, ...(nodePort !== undefined && { nodePort }) }] },
    ...(ingress !== undefined && { status: { loadBalancer: { ingress: [{ ip: ingress }] } } }),
  };
}
const input = inputOf(manifests(), { settings: { systemComponents: "none" } });

/** One branch: how likely it is, who answered and whom the server saw, or what else came out. */
export type Branch = readonly [chance: number, outcome: string];

export function branchesOf(client: Client, to: string): readonly Branch[] {
  const { branches, complete } = explore((pins) => probe(input, clients[client].from, `tcp ${to}`, { pins }));
  expect(complete).toBe(true);
  return branches
    .map(({ trace }): Branch => [chanceOf(trace), outcomeOf(trace)])
    .toSorted(([, a], [, b]) => (a < b ? -1 : 1));
}

/** The odds of what was decided, multiplied along the chain: the first packet decides for the connection. */
function chanceOf(trace: Trace): number {
  const choices = new Map<string, Choice>();
  for (const { choice } of packetSteps(trace)) if (choice !== undefined) choices.set(choice.id, choice);
  return [...choices.values()].reduce((odds, { options, taken }) => odds * (options[taken]?.probability ?? 1), 1);
}

function outcomeOf(trace: Trace): string {
  if (trace.outcome !== "answered") return trace.outcome;
  const hop = trace.flows
    .flatMap(({ packets }) => packets.filter(({ direction }) => direction === "original"))
    .flatMap(({ hops }) => hops.slice(1))
    .find(({ namespace }) => namespace === trace.answeredBy);
  return `${trace.answeredBy?.split("/")[1]} sees ${hop?.packet.src}`;
}

export interface Row {
  readonly to: string;
  readonly at: string;
  readonly from: Client;
  readonly branches: readonly Branch[];
  readonly source: string;
}

/** Either server with the same chance. */
export function either(seenByA: string, seenByB: string): readonly Branch[] {
  return [
    [half, `web-a sees ${seenByA}`],
    [half, `web-b sees ${seenByB}`],
  ];
}

export function only(outcome: string): readonly Branch[] {
  return [[1, outcome]];
}

export function ipOf(client: Client): string {
  return clients[client].ip;
}

export function np(port: number): string {
  return `${nodeA}:${port}`;
}

/** Where a Service is asked for from outside, or else its cluster IP. */
export function addressOf(name: string): string {
  const service = services[name];
  if (service === undefined) throw new RangeError(`no Service ${name}`);
  const { nodePort, externalIPs } = service;
  if (nodePort !== undefined) return np(nodePort as number);
  const ip = service.ingress ?? (externalIPs as readonly string[] | undefined)?.[0] ?? service["clusterIP"];
  return `${String(ip)}:80`;
}
