import { expect, test } from "vitest";
import type { ClusterSettings } from "../../src/cluster/cluster.ts";
import { buildText, loadText, pod, service, workload } from "./build-from.ts";

interface RuleCase {
  readonly name: string;
  readonly text: string;
  /** Codes with the path that they are about. */
  readonly expected: readonly string[];
}

const port = { port: 80 };
const policy = (spec: unknown): string =>
  `${JSON.stringify({ apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", metadata: { name: "p" }, spec })}\n`;
const peer = (...from: unknown[]): string => policy({ podSelector: {}, ingress: [{ from }] });
const policyPort = (...ports: unknown[]): string => policy({ podSelector: {}, ingress: [{ ports }] });
const container = (...ports: unknown[]): string => pod("a", { containers: [{ name: "c", ports }] });

// What the API server refuses: Kubernetes pkg/apis/core/validation (ValidateService, ValidatePodSpec),
// pkg/apis/networking/validation (ValidateNetworkPolicySpec), pkg/apis/apps/validation.
test.for<RuleCase>([
  {
    name: "several ports, one without a name",
    text: service("a", { ports: [port, { port: 81, name: "b" }] }),
    expected: ["SERVICE_PORT_NAME spec.ports[0].name"],
  },
  { name: "one port may lack a name", text: service("a", { ports: [port] }), expected: [] },
  {
    name: "a port twice",
    text: service("a", {
      ports: [
        { ...port, name: "a" },
        { ...port, name: "b" },
      ],
    }),
    expected: ["DUPLICATE_PORT spec.ports[1]"],
  },
  {
    name: "a port in two protocols",
    text: service("a", {
      ports: [
        { ...port, name: "a" },
        { ...port, name: "b", protocol: "UDP" },
      ],
    }),
    expected: [],
  },
  {
    name: "a port name twice",
    text: service("a", {
      ports: [
        { ...port, name: "a" },
        { port: 81, name: "a" },
      ],
    }),
    expected: ["DUPLICATE_PORT spec.ports[1].name"],
  },
  { name: "port 0", text: service("a", { ports: [{ port: 0 }] }), expected: ["BAD_PORT spec.ports[0].port"] },
  { name: "port 65536", text: service("a", { ports: [{ port: 65536 }] }), expected: ["BAD_PORT spec.ports[0].port"] },
  {
    name: "a protocol in lower case",
    text: service("a", { ports: [{ ...port, protocol: "tcp" }] }),
    expected: ["BAD_PROTOCOL spec.ports[0].protocol"],
  },
  {
    name: "a target port name without letters",
    text: service("a", { ports: [{ ...port, targetPort: "80" }] }),
    expected: ["BAD_PORT spec.ports[0].targetPort"],
  },
  {
    name: "a target port name that is too long",
    text: service("a", { ports: [{ ...port, targetPort: "a-very-long-name" }] }),
    expected: ["BAD_PORT spec.ports[0].targetPort"],
  },
  {
    name: "a nodePort below the range",
    text: service("a", { type: "NodePort", ports: [{ ...port, nodePort: 8080 }] }),
    expected: ["NODE_PORT_RANGE spec.ports[0].nodePort"],
  },
  {
    name: "a nodePort of a ClusterIP Service",
    text: service("a", { ports: [{ ...port, nodePort: 30000 }] }),
    expected: ["NOT_ALLOWED_HERE spec.ports[0].nodePort"],
  },
  {
    name: "a headless NodePort Service",
    text: service("a", { type: "NodePort", clusterIP: "None", ports: [port] }),
    expected: ["NOT_ALLOWED_HERE spec.clusterIP"],
  },
  {
    name: "a bad cluster IP",
    text: service("a", { clusterIP: "10.96.0.256", ports: [port] }),
    expected: ["BAD_ADDRESS spec.clusterIP"],
  },
  { name: "a bad type", text: service("a", { type: "Nodeport", ports: [port] }), expected: ["BAD_VALUE spec.type"] },
  {
    name: "ExternalName without a name",
    text: service("a", { type: "ExternalName" }),
    expected: ["REQUIRED spec.externalName"],
  },
  {
    name: "an external IP on the loopback",
    text: service("a", { externalIPs: ["127.0.0.1"], ports: [port] }),
    expected: ["BAD_ADDRESS spec.externalIPs[0]"],
  },
  {
    name: "externalTrafficPolicy inside the cluster",
    text: service("a", { externalTrafficPolicy: "Local", ports: [port] }),
    expected: ["NOT_ALLOWED_HERE spec.externalTrafficPolicy"],
  },
  {
    name: "an affinity of two days",
    text: service("a", {
      sessionAffinity: "ClientIP",
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 172800 } },
      ports: [port],
    }),
    expected: ["BAD_VALUE spec.sessionAffinityConfig.clientIP.timeoutSeconds"],
  },
  {
    name: "source ranges with blanks and host bits",
    text: service("a", { type: "LoadBalancer", loadBalancerSourceRanges: [" 10.0.0.7/8 "], ports: [port] }),
    expected: [],
  },
  {
    name: "a source range that is none",
    text: service("a", { type: "LoadBalancer", loadBalancerSourceRanges: ["10.0.0.0"], ports: [port] }),
    expected: ["BAD_CIDR spec.loadBalancerSourceRanges[0]"],
  },
  {
    name: "a Service whose name begins with a digit",
    text: service("1a", { ports: [port] }),
    expected: ["BAD_NAME metadata.name"],
  },
  { name: "an empty peer", text: peer({}), expected: ["BAD_PEER spec.ingress[0].from[0]"] },
  {
    name: "an ipBlock beside a selector",
    text: peer({ ipBlock: { cidr: "10.0.0.0/8" }, podSelector: {} }),
    expected: ["BAD_PEER spec.ingress[0].from[0].ipBlock"],
  },
  { name: "both selectors", text: peer({ namespaceSelector: {}, podSelector: {} }), expected: [] },
  {
    name: "except outside of cidr",
    text: peer({ ipBlock: { cidr: "10.0.0.0/8", except: ["11.0.0.0/9"] } }),
    expected: ["BAD_CIDR spec.ingress[0].from[0].ipBlock.except[0]"],
  },
  {
    name: "except as large as cidr",
    text: peer({ ipBlock: { cidr: "10.0.0.0/8", except: ["10.0.0.0/8"] } }),
    expected: ["BAD_CIDR spec.ingress[0].from[0].ipBlock.except[0]"],
  },
  {
    name: "an ipBlock without a length",
    text: peer({ ipBlock: { cidr: "10.0.0.1" } }),
    expected: ["BAD_CIDR spec.ingress[0].from[0].ipBlock.cidr"],
  },
  {
    name: "In without values",
    text: peer({ podSelector: { matchExpressions: [{ key: "a", operator: "In" }] } }),
    expected: ["BAD_SELECTOR spec.ingress[0].from[0].podSelector.matchExpressions[0]"],
  },
  {
    name: "Exists with values",
    text: peer({ podSelector: { matchExpressions: [{ key: "a", operator: "Exists", values: ["b"] }] } }),
    expected: ["BAD_SELECTOR spec.ingress[0].from[0].podSelector.matchExpressions[0].values"],
  },
  {
    name: "an operator that does not exist",
    text: peer({ podSelector: { matchExpressions: [{ key: "a", operator: "Equals", values: ["b"] }] } }),
    expected: ["BAD_VALUE spec.ingress[0].from[0].podSelector.matchExpressions[0].operator"],
  },
  {
    name: "endPort with a named port",
    text: policyPort({ port: "http", endPort: 90 }),
    expected: ["NOT_ALLOWED_HERE spec.ingress[0].ports[0].endPort"],
  },
  {
    name: "endPort below port",
    text: policyPort({ port: 90, endPort: 80 }),
    expected: ["BAD_PORT spec.ingress[0].ports[0].endPort"],
  },
  {
    name: "ICMP in a policy",
    text: policyPort({ protocol: "ICMP" }),
    expected: ["BAD_PROTOCOL spec.ingress[0].ports[0].protocol"],
  },
  {
    name: "a policy type that does not exist",
    text: policy({ podSelector: {}, policyTypes: ["ingress"] }),
    expected: ["BAD_VALUE spec.policyTypes[0]"],
  },
  {
    name: "a peer under the wrong key",
    text: policy({ podSelector: {}, egress: [{ from: [{ podSelector: {} }] }] }),
    expected: ["FIELD_NOT_READ spec.egress[0].from"],
  },
  {
    name: "a selector that does not match its template",
    text: workload("Deployment", "a", { selector: { matchLabels: { app: "b" } } }),
    expected: ["SELECTOR_MISMATCH spec.selector"],
  },
  {
    name: "a Deployment without a selector",
    text: workload("Deployment", "a", { selector: null }),
    expected: ["REQUIRED spec.selector"],
  },
  {
    name: "fewer than no replicas",
    text: workload("Deployment", "a", { replicas: -1 }),
    expected: ["BAD_VALUE spec.replicas"],
  },
  {
    name: "a container port name twice",
    text: container({ name: "a", containerPort: 80 }, { name: "a", containerPort: 81 }),
    expected: ["DUPLICATE_PORT spec.containers[0].ports[1].name"],
  },
  {
    name: "a container port misspelt",
    text: container({ containerport: 80 }),
    expected: [
      "REQUIRED spec.containers[0].ports[0].containerPort",
      "UNKNOWN_FIELD spec.containers[0].ports[0].containerport",
    ],
  },
  {
    name: "dnsPolicy None without nameservers",
    text: pod("a", { dnsPolicy: "None" }),
    expected: ["REQUIRED spec.dnsPolicy"],
  },
  {
    name: "a label value with a blank",
    text: pod("a", { labels: { app: "a b" } }),
    expected: ["BAD_LABEL metadata.labels.app"],
  },
  {
    name: "a hostPort that differs on the host's network",
    text: pod("a", { hostNetwork: true, containers: [{ name: "c", ports: [{ containerPort: 80, hostPort: 81 }] }] }),
    expected: ["BAD_PORT spec.containers[0].ports[0].hostPort"],
  },
])("the API server's rule: $name", ({ text, expected }) => {
  expect(
    loadText(text)
      .problems.map(({ code, path }) => `${code} ${path}`)
      .toSorted(),
  ).toEqual([...expected].toSorted());
});

interface ClusterCase {
  readonly name: string;
  readonly text: string;
  readonly settings?: Partial<ClusterSettings>;
  readonly expected: readonly string[];
}

const node = (name: string, address: string, podCIDR: string): string =>
  `${JSON.stringify({ apiVersion: "v1", kind: "Node", metadata: { name }, spec: { podCIDR }, status: { addresses: [{ type: "InternalIP", address }] } })}\n`;
const web = { selector: { app: "web" }, ports: [{ port: 80, targetPort: "http" }] };

test.for<ClusterCase>([
  {
    name: "a pod on a node that is not there",
    text: `${node("n1", "172.18.0.2", "10.244.0.0/24")}${pod("a", { nodeName: "n2" })}`,
    expected: ["NO_SUCH_NODE Pod default/a"],
  },
  {
    name: "a slip in a node's name",
    text: `${pod("a", { nodeName: "node-a" })}${pod("b", { nodeName: "node-aa" })}`,
    expected: ["NO_SUCH_NODE Pod default/b"],
  },
  {
    name: "nodes of a dump without Nodes are those that pods name",
    text: `${pod("a", { nodeName: "kind-worker" })}${pod("b", { nodeName: "kind-worker2" })}`,
    expected: [],
  },
  {
    name: "a selector that matches nothing",
    text: service("a", { ...web, ports: [port] }),
    expected: ["SELECTOR_MATCHES_NOTHING Service default/a"],
  },
  {
    name: "a named target port that no container has",
    text: `${pod("p", { labels: { app: "web" } })}${service("a", web)}`,
    expected: ["TARGET_PORT_NAME_UNKNOWN Service default/a"],
  },
  {
    name: "what kube-proxy passes over in a Service",
    text: `${pod("p", { labels: { app: "web" } })}${service("a", {
      ...web,
      ports: [port],
      type: "LoadBalancer",
      externalIPs: ["fd00::1", "192.0.2.1"],
      loadBalancerSourceRanges: ["fd00::/64"],
    })}`,
    expected: ["IGNORED_BY_KUBE_PROXY Service default/a", "IGNORED_BY_KUBE_PROXY Service default/a"],
  },
  {
    name: "what kube-proxy passes over in a slice",
    text: `${service("a", { ports: [port] })}${JSON.stringify({
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name: "a-1", labels: { "kubernetes.io/service-name": "a" } },
      addressType: "IPv4",
      ports: [{ name: "" }],
      endpoints: [{ addresses: ["10.244.0.7", "10.244.0.8"] }],
    })}\n`,
    expected: ["IGNORED_BY_KUBE_PROXY EndpointSlice default/a-1", "IGNORED_BY_KUBE_PROXY EndpointSlice default/a-1"],
  },
  {
    name: "a policy that selects nobody",
    text: policy({ podSelector: { matchLabels: { app: "x" } } }),
    expected: ["POLICY_SELECTS_NOTHING NetworkPolicy default/p"],
  },
  {
    name: "one nodePort in two Services",
    text: ["a", "b"].map((name) => service(name, { type: "NodePort", ports: [{ ...port, nodePort: 30080 }] })).join(""),
    expected: ["NODE_PORT_TAKEN Service default/b"],
  },
  {
    name: "one nodePort for TCP and UDP of one Service",
    text: service("a", {
      type: "NodePort",
      ports: [
        { ...port, name: "t", nodePort: 30080 },
        { ...port, name: "u", protocol: "UDP", nodePort: 30080 },
      ],
    }),
    expected: [],
  },
  {
    name: "one cluster IP in two Services",
    text: ["a", "b"].map((name) => service(name, { clusterIP: "10.96.1.1", ports: [port] })).join(""),
    expected: ["CLUSTER_IP_TAKEN Service default/b"],
  },
  {
    name: "the DNS Service's cluster IP",
    text: service("a", { clusterIP: "10.96.0.10", ports: [port] }),
    expected: ["CLUSTER_IP_TAKEN Service default/a"],
  },
  {
    name: "a cluster IP outside the stated CIDR",
    text: service("a", { clusterIP: "10.97.0.1", ports: [port] }),
    settings: { serviceCidrs: ["10.96.0.0/16"] },
    expected: ["CLUSTER_IP_OUTSIDE Service default/a"],
  },
  {
    name: "CIDRs that overlap",
    text: pod("a"),
    settings: { podCidrs: ["10.96.0.0/16"] },
    expected: ["CIDR_OVERLAP undefined"],
  },
  {
    name: "two pod CIDRs of one family",
    text: pod("a"),
    settings: { podCidrs: ["10.1.0.0/16", "10.2.0.0/16"] },
    expected: ["BAD_CIDR undefined"],
  },
  {
    name: "nodes whose pod CIDRs overlap",
    text: `${node("n1", "172.18.0.2", "10.244.0.0/16")}${node("n2", "172.18.0.3", "10.244.1.0/24")}`,
    expected: ["CIDR_OVERLAP Node n2"],
  },
  {
    name: "nodes with one address",
    text: `${node("n1", "172.18.0.2", "10.244.0.0/24")}${node("n2", "172.18.0.2", "10.244.1.0/24")}`,
    expected: ["ADDRESS_TAKEN Node n2"],
  },
  {
    name: "pods with one address",
    text: ["a", "b"].map((name) => pod(name, {}, { podIP: "10.244.0.9" })).join(""),
    expected: ["ADDRESS_TAKEN Pod default/b"],
  },
  {
    name: "a finished pod's address is free again",
    text: `${pod("a", {}, { phase: "Succeeded", podIP: "10.244.0.9" })}${pod("b", {}, { podIP: "10.244.0.9" })}`,
    expected: [],
  },
  {
    name: "a nodeSelector that no node has",
    text: pod("a", { nodeSelector: { disk: "ssd" } }),
    expected: ["UNSCHEDULABLE Pod default/a"],
  },
  {
    name: "a node that is full",
    text: Array.from({ length: 6 }, (_, index) => pod(`p${index}`)).join(""),
    settings: { nodeCount: 1, nodeCidrMaskSize: { ipv4: 29, ipv6: 64 } },
    expected: [
      "ADDRESSES_EXHAUSTED Pod default/p3",
      "ADDRESSES_EXHAUSTED Pod default/p4",
      "ADDRESSES_EXHAUSTED Pod default/p5",
    ],
  },
])("between objects: $name", ({ text, settings, expected }) => {
  expect(buildText(text, settings).problems.map(({ code, object }) => `${code} ${object}`)).toEqual(expected);
});

test("an input with an error makes no cluster", () => {
  expect(buildText(service("a", { ports: [{ port: 0 }] })).cluster).toBeUndefined();
});
