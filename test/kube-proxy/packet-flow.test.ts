import { expect, test } from "vitest";
import {
  type Branch,
  type Client,
  type Row,
  addressOf,
  branchesOf,
  bridgeA,
  bridgeB,
  either,
  half,
  ipOf,
  nodeA,
  nodeB,
  np,
  only,
  third,
} from "./packet-flow-world.ts";

/*
 * Where packets for every kind of Service go, in the style of kube-proxy's own packet-flow tests: the endpoints with
 * their exact probabilities, and the source that each sees. `facts` is facts/kube-proxy.md, `kp` a flow of
 * test/referee/kernel/kp-iptables (the real kube-proxy on the real kernel).
 *
 * node-a has pod client-a and server web-a, node-b has client-b and web-b. Whoever asks a nodePort asks node-a; what
 * is outside reaches load balancer and external addresses by node-a.
 */

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
  ...moreRows(),
];

/** The same as above from elsewhere: nodes exchanged, or with the endpoint that asks; and by readiness and hints. */
function moreRows(): readonly Row[] {
  const rowsOf = (to: string, why: string, cases: readonly (readonly [Client, readonly Branch[]])[]): Row[] =>
    cases.map(([from, branches]) => ({ to, at: addressOf(to), from, branches, source: why }));
  const oneOfThree = (seen: readonly [string, string, string]): readonly Branch[] => [
    [third, `web-a sees ${seen[0]}`],
    [(1 - third) * half, `web-b sees ${seen[1]}`],
    [(1 - third) * half, `web-c sees ${seen[2]}`],
  ];
  const webA = ipOf("web-a");
  const podA = ipOf("pod-a");
  const podB = ipOf("pod-b");
  return [
    ...rowsOf("three", "facts 3.3 step 10, 6.10, 6.11", [
      ["pod-b", oneOfThree([podB, podB, podB])],
      ["web-a", oneOfThree([bridgeA, webA, webA])],
      ["node-a", oneOfThree([bridgeA, nodeA, nodeA])],
      ["node-b", oneOfThree([nodeB, bridgeB, bridgeB])],
    ]),
    ...rowsOf("internal", "kp itp-node1, nodes exchanged", [["node-b", only(`web-b sees ${bridgeB}`)]]),
    ...rowsOf("internal-far", "kp itp-c1, itp-node1, itp-c2, nodes exchanged", [
      ["pod-b", only(`web-b sees ${podB}`)],
      ["node-b", only(`web-b sees ${bridgeB}`)],
      ["web-a", only("timed-out")],
    ]),
    ...rowsOf("np", "kp npl-hairpin, np-c1-node1; facts 6.5", [["web-a", either(bridgeA, nodeA)]]),
    ...rowsOf("npl", "kp npl-hairpin; facts 6.4, 6.10", [["web-a", either(bridgeA, webA)]]),
    ...rowsOf("npl-far", "kp npl-c2-node2; facts 6.4", [["web-a", only(`web-b sees ${webA}`)]]),
    ...rowsOf("np-empty", "kp empty-np-c1", [["web-a", only("refused")]]),
    ...rowsOf("lb", "kp lb-hairpin; facts 6.5", [["web-a", either(bridgeA, nodeA)]]),
    ...rowsOf("lbl", "facts 6.4, 6.10", [["web-a", either(bridgeA, webA)]]),
    ...rowsOf("lbl-far", "kp lbln-ext, lbln-c1, lbln-node1; facts 6.4", [
      ["outside", only("timed-out")],
      ["pod-a", only(`web-b sees ${podA}`)],
      ["pod-b", only(`web-b sees ${podB}`)],
      ["node-a", only(`web-b sees ${nodeA}`)],
      ["node-b", only(`web-b sees ${bridgeB}`)],
    ]),
    ...rowsOf("lb-ranges", "kp lb-allow-ext, lb-refuse-c1; facts 6.9", [
      ["allowed", either(bridgeA, nodeA)],
      ["node-b", only("timed-out")],
      ["web-a", only("timed-out")],
    ]),
    ...rowsOf("lb-nodes", "kp lb-noderange-ext, lb-noderange-node1, lb-noderange-c1", [
      ["outside", only("timed-out")],
      ["pod-a", only("timed-out")],
      ["node-a", either(bridgeA, nodeA)],
      ["node-b", either(nodeB, bridgeB)],
    ]),
    ...rowsOf("lb-empty", "kp lb-empty-c1, lb-empty-node1; facts 6.7", [
      ["web-a", only("refused")],
      ["node-a", only("timed-out")],
      ["node-b", only("timed-out")],
    ]),
    ...rowsOf("extip", "kp lb-c2, lb-hairpin; facts 6.5", [
      ["pod-b", either(nodeB, bridgeB)],
      ["web-a", either(bridgeA, nodeA)],
    ]),
    ...rowsOf("extipl", "kp lbl-ext, lbl-c1, lbl-c2, lbln-node1, lbl-node2; facts 3.3 step 7", [
      ["outside", only(`web-a sees ${ipOf("outside")}`)],
      ["pod-a", either(podA, podA)],
      ["pod-b", either(podB, podB)],
      ["node-a", either(bridgeA, nodeA)],
      ["node-b", either(nodeB, bridgeB)],
    ]),
    ...rowsOf("extip-far", "kp extipl-c1, extipl-node1; facts 6.4", [
      ["pod-b", only(`web-b sees ${podB}`)],
      ["web-a", only(`web-b sees ${webA}`)],
      ["node-b", only(`web-b sees ${bridgeB}`)],
    ]),
    ...rowsOf("unready", "facts 2 (CategorizeEndpoints), 6.15", [
      ["pod-a", only(`web-b sees ${podA}`)],
      ["node-b", only(`web-b sees ${bridgeB}`)],
    ]),
    ...rowsOf("all-unready", "facts 6.15, 3.3 step 1", [
      ["pod-a", only("refused")],
      ["node-b", only("refused")],
    ]),
    ...rowsOf("leaving", "case k2-terminating-some; facts 6.15", [
      ["pod-a", only(`web-b sees ${podA}`)],
      ["node-a", only(`web-b sees ${nodeA}`)],
    ]),
    ...rowsOf("all-leaving", "case k-terminating-all; facts 6.15", [
      ["pod-a", either(podA, podA)],
      ["node-b", either(nodeB, bridgeB)],
    ]),
    ...rowsOf("npl-leaving", "facts 2: local and cluster lists decide separately", [
      ["outside", only(`web-a sees ${ipOf("outside")}`)],
      ["pod-a", only(`web-b sees ${podA}`)],
      ["node-a", only(`web-b sees ${nodeA}`)],
    ]),
    ...rowsOf("hinted", "case j-hints; facts 6.16", [
      ["pod-a", only(`web-a sees ${podA}`)],
      ["pod-b", only(`web-b sees ${podB}`)],
      ["node-b", only(`web-b sees ${bridgeB}`)],
    ]),
    ...rowsOf("half-hinted", "case j2-hints-missing-one; facts 6.16", [["pod-a", either(podA, podA)]]),
    ...rowsOf("hinted-away", "facts 2: no endpoint for this zone", [
      ["pod-a", either(podA, podA)],
      ["pod-b", either(podB, podB)],
    ]),
    ...rowsOf("hinted-local", "facts 2: lists of the policy Local ignore hints", [
      ["pod-a", only(`web-a sees ${podA}`)],
      ["pod-b", only(`web-b sees ${podB}`)],
    ]),
  ];
}

test.for(rows)("$to from $from ($source)", ({ at, from, branches }) => {
  expect(branchesOf(from, at)).toEqual(branches);
});
