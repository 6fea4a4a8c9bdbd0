import { describe, expect, test } from "vitest";
import type { NetworkPolicy } from "../../src/cluster/objects.ts";
import { type Connection, type Reason, allowed } from "../../src/netpolicy/allowed.ts";
import { address } from "../../src/wire/address.ts";
import { cluster, node, pod, policy, selector } from "./objects.ts";

/*
 * What the suites leave out. Every expectation is a statement of the API's text, shortened in `says`:
 * k8s.io/api/networking/v1/types.go and kubernetes.io/docs/concepts/services-networking/network-policies.
 */

const client = pod("shop/client", "10.244.0.2");
const web = pod("shop/web", "10.244.1.2", {
  node: "node-b",
  ports: [{ name: "http", containerPort: 8080, protocol: "TCP" }],
});
const noNames = pod("shop/no-names", "10.244.1.3", { node: "node-b" });
const onHost = pod("shop/on-host", "192.168.0.2", { node: "node-b", hostNetwork: true });
const onOtherHost = pod("shop/on-other-host", "192.168.0.1", { node: "node-a", hostNetwork: true });
const finished = pod("shop/finished", "10.244.1.4", { node: "node-b", phase: "Succeeded" });
const nodes = [node("node-a", "192.168.0.1", "10.244.0.0/24"), node("node-b", "192.168.0.2", "10.244.1.0/24")];
const pods = [client, web, noNames, onHost, onOtherHost, finished];
const outside = address("203.0.113.8");

const denyIngress = policy("shop/deny", { policyTypes: ["Ingress"] });
const denyEgress = policy("shop/deny", { policyTypes: ["Egress"] });
const everyone = selector();
const tcp = (port: number): Pick<Connection, "protocol" | "port"> => ({ protocol: "TCP", port });
const ingress = (...rules: NetworkPolicy["spec"]["ingress"]): NetworkPolicy => policy("shop/p", { ingress: rules });
const egress = (...rules: NetworkPolicy["spec"]["egress"]): NetworkPolicy =>
  policy("shop/p", { policyTypes: ["Egress"], egress: rules });

interface RuleCase {
  readonly says: string;
  readonly policies: readonly NetworkPolicy[];
  readonly connection: Connection;
  readonly allowed: boolean;
  /** Of the side that decided. */
  readonly reason?: Reason;
}

describe("a sentence of the API", () => {
  test.for<RuleCase>([
    {
      says: "By default, a pod is non-isolated for ingress; all inbound connections are allowed.",
      policies: [],
      connection: { src: client, dst: web, ...tcp(80) },
      allowed: true,
    },
    {
      says: "from: If this field is empty or missing, this rule matches all sources (traffic not restricted by source).",
      policies: [ingress({ peers: [], ports: [] })],
      connection: { src: outside, dst: web, ...tcp(80) },
      allowed: true,
      reason: "rule",
    },
    {
      says: "ingress: If this field is empty then this NetworkPolicy does not allow any traffic.",
      policies: [denyIngress],
      connection: { src: outside, dst: web, ...tcp(80) },
      allowed: false,
      reason: "no-rule",
    },
    {
      says: "traffic is allowed ... OR if the traffic source is the pod's local node",
      policies: [denyIngress],
      connection: { src: address("192.168.0.2"), dst: web, ...tcp(80) },
      allowed: true,
      reason: "own-node",
    },
    {
      says: "the other nodes are sources like any other",
      policies: [denyIngress],
      connection: { src: address("192.168.0.1"), dst: web, ...tcp(80) },
      allowed: false,
      reason: "no-rule",
    },
    {
      says: "traffic to or from hostNetwork pods is treated the same as all other traffic to or from the node IP",
      policies: [denyIngress],
      connection: { src: onHost, dst: web, ...tcp(80) },
      allowed: true,
      reason: "own-node",
    },
    {
      says: "the hostNetwork pods are not matched by podSelector",
      policies: [ingress({ peers: [{ podSelector: everyone }], ports: [] })],
      connection: { src: onOtherHost, dst: web, ...tcp(80) },
      allowed: false,
      reason: "no-rule",
    },
    {
      says: "a hostNetwork pod is the peer of an ipBlock that holds its node's address",
      policies: [ingress({ peers: [{ ipBlock: { cidr: "192.168.0.0/24", except: [] } }], ports: [] })],
      connection: { src: onOtherHost, dst: web, ...tcp(80) },
      allowed: true,
      reason: "rule",
    },
    {
      says: "policies that select hostNetwork pods have no effect on them",
      policies: [denyIngress],
      connection: { src: client, dst: onHost, ...tcp(80) },
      allowed: true,
      reason: "not-a-pod",
    },
    {
      says: "a finished pod has given its address back and is no peer",
      policies: [ingress({ peers: [{ podSelector: everyone }], ports: [] })],
      connection: { src: finished, dst: web, ...tcp(80) },
      allowed: false,
      reason: "no-rule",
    },
    {
      says: "ports: If this field is empty or missing, this rule matches all ports: ICMP passes",
      policies: [ingress({ peers: [{ podSelector: everyone }], ports: [] })],
      connection: { src: client, dst: web, protocol: "ICMP", port: 0 },
      allowed: true,
      reason: "rule",
    },
    {
      says: "a rule with ports is about TCP, UDP and SCTP: ICMP does not pass",
      policies: [ingress({ peers: [], ports: [{ protocol: "TCP" }] })],
      connection: { src: client, dst: web, protocol: "ICMP", port: 0 },
      allowed: false,
      reason: "no-rule",
    },
    {
      says: "port: This can either be a numerical or named port on a pod",
      policies: [egress({ peers: [{ podSelector: everyone }], ports: [{ protocol: "TCP", port: "http" }] })],
      connection: { src: client, dst: web, ...tcp(8080) },
      allowed: true,
      reason: "rule",
    },
    {
      says: "a name that the destination does not have matches nothing there",
      policies: [egress({ peers: [{ podSelector: everyone }], ports: [{ protocol: "TCP", port: "http" }] })],
      connection: { src: client, dst: noNames, ...tcp(8080) },
      allowed: false,
      reason: "no-rule",
    },
    {
      says: "a name has no meaning for an address outside",
      policies: [egress({ peers: [], ports: [{ protocol: "TCP", port: "http" }] })],
      connection: { src: client, dst: outside, ...tcp(8080) },
      allowed: false,
      reason: "no-rule",
    },
    {
      says: "except: IPs in these ranges are left out of this peer only; another peer may allow them",
      policies: [
        ingress(
          { peers: [{ ipBlock: { cidr: "203.0.113.0/24", except: ["203.0.113.8/32"] } }], ports: [] },
          { peers: [{ ipBlock: { cidr: "203.0.113.8/32", except: [] } }], ports: [] },
        ),
      ],
      connection: { src: outside, dst: web, ...tcp(80) },
      allowed: true,
      reason: "rule",
    },
    {
      says: "namespaceSelector: an empty selector means all namespaces, not addresses outside",
      policies: [ingress({ peers: [{ namespaceSelector: everyone }], ports: [] })],
      connection: { src: outside, dst: web, ...tcp(80) },
      allowed: false,
      reason: "no-rule",
    },
    {
      says: "both the egress policy on the source and the ingress policy on the destination need to allow",
      policies: [denyEgress, ingress({ peers: [], ports: [] })],
      connection: { src: client, dst: web, ...tcp(80) },
      allowed: false,
    },
    {
      says: "A pod cannot block access to itself.",
      policies: [denyIngress, denyEgress],
      connection: { src: web, dst: web, ...tcp(80) },
      allowed: true,
      reason: "same-pod",
    },
  ])("$says", ({ policies, connection, allowed: wanted, reason }) => {
    const decision = allowed({ nodes, namespaces: [], pods, networkPolicies: policies }, connection);
    expect(decision.allowed).toBe(wanted);
    const decisive = [decision.ingress, decision.egress].map((side) => side.reason);
    if (reason !== undefined) expect(decisive).toContain(reason);
  });
});

test("the decision names the policies, the rules and what of each did not match", () => {
  const onlyWeb = ingress({
    peers: [{ podSelector: selector({ app: "web" }) }],
    ports: [{ protocol: "TCP", port: 80 }],
  });
  const view = cluster({ nodes, pods, networkPolicies: [onlyWeb] });
  const { ingress: side } = allowed(view, { src: client, dst: web, ...tcp(80) });
  expect(side).toMatchObject({ allowed: false, reason: "no-rule", policies: [onlyWeb] });
  expect(side.rules).toEqual([
    { policy: onlyWeb, direction: "Ingress", index: 0, peersMatch: false, portsMatch: true },
  ]);
});
