import { expect, test } from "vitest";
import type { DnsConfig, DnsPolicy, Pod } from "../../src/cluster/objects.ts";
import { formatResolvConf, parseResolvConf } from "../../src/dns/resolver/conf.ts";
import { podResolvConf } from "../../src/dns/resolver/kubelet.ts";
import { address } from "../../src/wire/address.ts";

/* Expectations: kubernetes pkg/kubelet/network/dns/dns.go and the Kubernetes documentation of dnsPolicy. */

const node = "nameserver 192.168.0.53\nsearch corp.example\noptions timeout:1\n";
const cluster =
  "search shop.svc.cluster.local svc.cluster.local cluster.local corp.example\nnameserver 10.96.0.10\noptions ndots:5\n";
const nodeAsWritten = "search corp.example\nnameserver 192.168.0.53\noptions timeout:1\n";

interface ConfCase {
  readonly name: string;
  readonly dnsPolicy: DnsPolicy;
  readonly hostNetwork?: boolean;
  readonly dnsConfig?: Partial<DnsConfig>;
  readonly clusterDns?: readonly string[];
  readonly nodeFile?: string;
  readonly file: string;
  readonly events?: readonly string[];
}

function pod({ dnsPolicy, hostNetwork = false, dnsConfig }: ConfCase): Pod {
  return {
    kind: "Pod",
    metadata: { name: "web", namespace: "shop", labels: {}, annotations: {} },
    spec: {
      hostNetwork,
      dnsPolicy,
      containers: [],
      ...(dnsConfig && { dnsConfig: { nameservers: [], searches: [], options: [], ...dnsConfig } }),
    },
    status: { phase: "Running", podIPs: [], ready: true },
  };
}

test.for<ConfCase>([
  {
    name: "ClusterFirst asks the cluster and keeps the node's search domains",
    dnsPolicy: "ClusterFirst",
    file: cluster,
  },
  {
    name: "ClusterFirst on the host's network is the node's",
    dnsPolicy: "ClusterFirst",
    hostNetwork: true,
    file: nodeAsWritten,
  },
  {
    name: "ClusterFirstWithHostNet asks the cluster from there too",
    dnsPolicy: "ClusterFirstWithHostNet",
    hostNetwork: true,
    file: cluster,
  },
  { name: "Default is the node's file", dnsPolicy: "Default", file: nodeAsWritten },
  {
    name: "None has what dnsConfig says",
    dnsPolicy: "None",
    dnsConfig: {
      nameservers: ["1.1.1.1"],
      searches: ["a.example."],
      options: [{ name: "ndots", value: "2" }, { name: "edns0" }],
    },
    file: "search a.example\nnameserver 1.1.1.1\noptions ndots:2 edns0\n",
  },
  {
    name: "dnsConfig adds to the policy and overrides options",
    dnsPolicy: "ClusterFirst",
    dnsConfig: {
      nameservers: ["1.1.1.1", "10.96.0.10"],
      searches: ["cluster.local"],
      options: [{ name: "ndots", value: "2" }],
    },
    file: "search shop.svc.cluster.local svc.cluster.local cluster.local corp.example\nnameserver 10.96.0.10\nnameserver 1.1.1.1\noptions ndots:2\n",
  },
  {
    name: "a fourth name server is left out, with an event",
    dnsPolicy: "None",
    dnsConfig: { nameservers: ["1.0.0.1", "1.0.0.2", "1.0.0.3", "1.0.0.4"] },
    file: "nameserver 1.0.0.1\nnameserver 1.0.0.2\nnameserver 1.0.0.3\n",
    events: ["DNSConfigForming"],
  },
  {
    name: "so is a search domain beyond 2048 characters",
    dnsPolicy: "None",
    dnsConfig: {
      nameservers: ["1.0.0.1"],
      searches: Array.from({ length: 10 }, (_, index) => `${index}${"a".repeat(250)}`),
    },
    file: `search ${Array.from({ length: 8 }, (_, index) => `${index}${"a".repeat(250)}`).join(" ")}\nnameserver 1.0.0.1\n`,
    events: ["DNSConfigForming"],
  },
  {
    name: "without a cluster DNS it falls back to the node's, with an event",
    dnsPolicy: "ClusterFirst",
    clusterDns: [],
    file: nodeAsWritten,
    events: ["MissingClusterDNS"],
  },
])("$name", (given) => {
  const { clusterDns = ["10.96.0.10"], nodeFile = node, file, events = [] } = given;
  const nodeConf = parseResolvConf(nodeFile);
  const made = podResolvConf(pod(given), {
    clusterDns: clusterDns.map(address),
    clusterDomain: "cluster.local",
    nodeConf,
  });
  expect(formatResolvConf(made.conf)).toBe(file);
  expect(made.events.map((event) => event.split(":")[0])).toEqual(events);
});

test("with an empty resolvConf nobody can be asked", () => {
  const given: ConfCase = { name: "", dnsPolicy: "Default", file: "" };
  const { conf } = podResolvConf(pod(given), { clusterDns: [], clusterDomain: "cluster.local", nodeConf: undefined });
  expect(formatResolvConf(conf)).toBe("search .\nnameserver 127.0.0.1\n");
});
