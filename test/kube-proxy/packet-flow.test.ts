import { expect, test } from "vitest";
import { explore } from "../../src/analysis/explore.ts";
import type { Choice, Trace } from "../../src/trace/records.ts";
import { inputOf, packetSteps, probe } from "../sim/traces.ts";

/*
 * Where packets for every kind of Service go, in the style of kube-proxy's own packet-flow tests: the endpoints with
 * their exact probabilities, and the source that each sees. `facts` is facts/kube-proxy.md, `kp` a flow of
 * test/referee/kernel/kp-iptables (the real kube-proxy on the real kernel).
 *
 * node-a has pod client-a and server web-a, node-b has client-b and web-b. Whoever asks a nodePort asks node-a; what
 * is outside reaches load balancer and external addresses by node-a.
 */

const half = 1 / 2;
/** `--probability 0.3333333333` as the kernel keeps it: a fraction of 2^31. */
const third = 715_827_883 / 2 ** 31;

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
} as const;
type Client = keyof typeof clients;

/** What a masqueraded packet has as its source: the address of the device it leaves by. */
const bridgeA = "10.244.0.1";
const bridgeB = "10.244.1.1";
const nodeA = clients["node-a"].ip;
const nodeB = clients["node-b"].ip;

interface ServiceSpec {
  readonly servers: readonly Server[];
  readonly [field: string]: unknown;
}
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
};

function manifests(): string {
  const nodes = ["node-a", "node-b"].map((name, index) => ({
    apiVersion: "v1",
    kind: "Node",
    metadata: { name },
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
  const objects = Object.entries(services).flatMap(([name, { servers, ingress, nodePort, ...spec }]) => [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name },
      spec: { ...spec, ports: [{ port: 80, targetPort: 8080, ...(nodePort !== undefined && { nodePort }) }] },
      ...(ingress !== undefined && { status: { loadBalancer: { ingress: [{ ip: ingress }] } } }),
    },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name: `${name}-1`, labels: { "kubernetes.io/service-name": name } },
      addressType: "IPv4",
      ports: [{ name: "", port: 8080, protocol: "TCP" }],
      endpoints: pods.flatMap(({ name: pod, ip, node }) =>
        servers.some((server) => server === pod) ? [{ addresses: [ip], nodeName: node }] : [],
      ),
    },
  ]);
  return JSON.stringify({ apiVersion: "v1", kind: "List", items: [...nodes, ...running, ...objects] });
}

const input = inputOf(manifests(), { settings: { systemComponents: "none" } });

/** One branch: how likely it is, who answered and whom the server saw, or what else came out. */
type Branch = readonly [chance: number, outcome: string];

function branchesOf(client: Client, to: string): readonly Branch[] {
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

interface Row {
  readonly to: string;
  readonly at: string;
  readonly from: Client;
  readonly branches: readonly Branch[];
  readonly source: string;
}

/** Either server with the same chance. */
function either(seenByA: string, seenByB: string): readonly Branch[] {
  return [
    [half, `web-a sees ${seenByA}`],
    [half, `web-b sees ${seenByB}`],
  ];
}

function only(outcome: string): readonly Branch[] {
  return [[1, outcome]];
}

const ipOf = (client: Client): string => clients[client].ip;
const np = (port: number): string => `${nodeA}:${port}`;

const rows: readonly Row[] = [
  ...(["pod-a", "pod-b"] as const).map((from): Row => ({
    to: "cluster",
    at: "10.96.0.10:80",
    from,
    branches: either(ipOf(from), ipOf(from)),
    source: "kp local-c1, remote-c1, local-c2, remote-c2; facts 3.3 step 6",
  })),
  {
    to: "cluster",
    at: "10.96.0.10:80",
    from: "web-a",
    branches: either(bridgeA, ipOf("web-a")),
    source: "kp local-hairpin; facts 6.10: only who reaches itself is masqueraded",
  },
  {
    to: "cluster",
    at: "10.96.0.10:80",
    from: "node-a",
    branches: either(bridgeA, nodeA),
    source: "kp local-node1, remote-node1; facts 6.11",
  },
  {
    to: "cluster",
    at: "10.96.0.10:80",
    from: "node-b",
    branches: either(nodeB, bridgeB),
    source: "kp local-node2, remote-node2",
  },
  {
    to: "three",
    at: "10.96.0.11:80",
    from: "pod-a",
    branches: [
      [third, `web-a sees ${ipOf("pod-a")}`],
      [(1 - third) * half, `web-b sees ${ipOf("pod-a")}`],
      [(1 - third) * half, `web-c sees ${ipOf("pod-a")}`],
    ],
    source: "facts 3.3 step 10: 31-bit fractions",
  },
  ...(["pod-a", "pod-b", "node-a", "node-b"] as const).map((from): Row => ({
    to: "empty",
    at: "10.96.0.12:80",
    from,
    branches: only("refused"),
    source: "kp empty-c1, empty-node1; facts 3.3 step 1",
  })),
  {
    to: "internal",
    at: "10.96.0.13:80",
    from: "pod-a",
    branches: only(`web-a sees ${ipOf("pod-a")}`),
    source: "kp itp-c1",
  },
  {
    to: "internal",
    at: "10.96.0.13:80",
    from: "pod-b",
    branches: only(`web-b sees ${ipOf("pod-b")}`),
    source: "kp itp-c1, on the other node",
  },
  {
    to: "internal",
    at: "10.96.0.13:80",
    from: "web-a",
    branches: only(`web-a sees ${bridgeA}`),
    source: "kp itp-hairpin",
  },
  {
    to: "internal",
    at: "10.96.0.13:80",
    from: "node-a",
    branches: only(`web-a sees ${bridgeA}`),
    source: "kp itp-node1",
  },
  {
    to: "internal-far",
    at: "10.96.0.14:80",
    from: "pod-a",
    branches: only("timed-out"),
    source: "kp itp-c2; facts 6.6",
  },
  { to: "internal-far", at: "10.96.0.14:80", from: "node-a", branches: only("timed-out"), source: "kp itp-node2" },
  ...(["outside", "pod-a", "pod-b", "node-a", "node-b"] as const).map((from): Row => ({
    to: "np",
    at: np(30_015),
    from,
    branches: either(bridgeA, nodeA),
    source: "kp np-ext-node1, np-c1-node1, np-c2-node1, np-node1-self, lb-refuse-np; facts 6.5: always masqueraded",
  })),
  {
    to: "npl",
    at: np(30_016),
    from: "outside",
    branches: only(`web-a sees ${ipOf("outside")}`),
    source: "kp npl-ext-node1",
  },
  {
    to: "npl",
    at: np(30_016),
    from: "pod-a",
    branches: either(ipOf("pod-a"), ipOf("pod-a")),
    source: "kp npl-c1-node1, lbl-c1; facts 6.4: pods use all endpoints, unmasqueraded",
  },
  {
    to: "npl",
    at: np(30_016),
    from: "node-a",
    branches: either(bridgeA, nodeA),
    source: "kp npl-node1-self, lbln-node1; facts 6.4: the node uses all endpoints, masqueraded",
  },
  { to: "npl", at: np(30_016), from: "node-b", branches: only(`web-a sees ${nodeB}`), source: "kp npl-node2-node1" },
  { to: "npl-far", at: np(30_017), from: "outside", branches: only("timed-out"), source: "kp npl-ext-node2" },
  { to: "npl-far", at: np(30_017), from: "node-b", branches: only("timed-out"), source: "kp npl-node1-node2" },
  {
    to: "npl-far",
    at: np(30_017),
    from: "pod-a",
    branches: only(`web-b sees ${ipOf("pod-a")}`),
    source: "kp npl-c2-node2, nodes exchanged",
  },
  { to: "npl-far", at: np(30_017), from: "node-a", branches: only(`web-b sees ${nodeA}`), source: "kp npl-node2-self" },
  ...(["outside", "pod-a", "pod-b", "node-a", "node-b"] as const).map((from): Row => ({
    to: "np-empty",
    at: np(30_018),
    from,
    branches: only("refused"),
    source: "kp empty-np-ext, -c1, -c2, -node1; facts 6.7",
  })),
  ...(["outside", "pod-a", "node-a"] as const).map((from): Row => ({
    to: "lb",
    at: "192.0.2.20:80",
    from,
    branches: either(bridgeA, nodeA),
    source: "kp lb-ext, lb-c1, lb-node1, lb-allow-ext; facts 6.5",
  })),
  ...(["pod-b", "node-b"] as const).map((from): Row => ({
    to: "lb",
    at: "192.0.2.20:80",
    from,
    branches: either(nodeB, bridgeB),
    source: "kp lb-c2; facts 6.5: translated where it is sent",
  })),
  {
    to: "lbl",
    at: "192.0.2.21:80",
    from: "outside",
    branches: only(`web-a sees ${ipOf("outside")}`),
    source: "kp lbl-ext",
  },
  ...(["pod-a", "pod-b"] as const).map((from): Row => ({
    to: "lbl",
    at: "192.0.2.21:80",
    from,
    branches: either(ipOf(from), ipOf(from)),
    source: "kp lbl-c1, lbl-c2, lbln-c1; facts 6.4",
  })),
  {
    to: "lbl",
    at: "192.0.2.21:80",
    from: "node-a",
    branches: either(bridgeA, nodeA),
    source: "kp lbln-node1; facts 6.4",
  },
  { to: "lbl", at: "192.0.2.21:80", from: "node-b", branches: either(nodeB, bridgeB), source: "kp lbl-node2" },
  ...(["outside", "pod-a", "pod-b", "node-a"] as const).map((from): Row => ({
    to: "lb-ranges",
    at: "192.0.2.22:80",
    from,
    branches: only("timed-out"),
    source: "kp lb-refuse-ext, lb-refuse-c1, lb-allow-node1; facts 6.9",
  })),
  ...(["outside", "pod-a", "pod-b"] as const).map((from): Row => ({
    to: "lb-empty",
    at: "192.0.2.23:80",
    from,
    branches: only("refused"),
    source: "kp lb-empty-ext, lb-empty-c1",
  })),
  ...(["outside", "pod-a", "node-a"] as const).map((from): Row => ({
    to: "extip",
    at: "192.0.2.24:80",
    from,
    branches: either(bridgeA, nodeA),
    source: "kp extip-ext, extip-c1, extip-node1",
  })),
  { to: "extip", at: "192.0.2.24:80", from: "node-b", branches: either(nodeB, bridgeB), source: "kp extip-node2" },
  { to: "extip-far", at: "192.0.2.25:80", from: "outside", branches: only("timed-out"), source: "kp extipl-ext" },
  {
    to: "extip-far",
    at: "192.0.2.25:80",
    from: "pod-a",
    branches: only(`web-b sees ${ipOf("pod-a")}`),
    source: "kp extipl-c1",
  },
  {
    to: "extip-far",
    at: "192.0.2.25:80",
    from: "node-a",
    branches: only(`web-b sees ${nodeA}`),
    source: "kp extipl-node1",
  },
];

test.for(rows)("$to from $from ($source)", ({ at, from, branches }) => {
  expect(branchesOf(from, at)).toEqual(branches);
});
