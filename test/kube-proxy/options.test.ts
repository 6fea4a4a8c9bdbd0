import { describe, expect, test } from "vitest";
import { formatRestore } from "../../src/iptables/proxier-restore.ts";
import { iptablesProxier } from "../../src/iptables/proxier.ts";
import { ipvsProxier } from "../../src/ipvs/proxier.ts";
import type { ProxyNode, ProxyOptions } from "../../src/proxy/proxier.ts";
import { address } from "../../src/wire/address.ts";
import { recordedInput, recordedNode, recordedOptions } from "./recorded.ts";

// What kube-proxy 1.30's source says of its options: pkg/proxy/iptables/proxier.go, pkg/proxy/util/iptables/traffic.go,
// pkg/proxy/util/nodeport_addresses.go.

const node: ProxyNode = {
  ...recordedNode({}),
  addresses: [...recordedNode({}).addresses, { device: "eth1", address: address("10.9.0.1") }],
};

function restoreText(name: string, options: Partial<ProxyOptions>): string {
  const { commands } = iptablesProxier.sync(recordedInput(name).objects, node, {
    ...recordedOptions("ipv4"),
    ...options,
  });
  return commands
    .map((command) => (command.kind === "iptables-restore" ? formatRestore(command.restore) : ""))
    .join("");
}

const svc = "KUBE-SVC-CDGGSHYLG3RE2FKL";
const ext = "KUBE-EXT-CDGGSHYLG3RE2FKL";
const toClusterIP = `-A ${svc} -m comment --comment "default/web:http cluster IP" -m tcp -p tcp -d 10.96.0.10 --dport 80`;
const lastRule = `-A KUBE-SERVICES -m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain"`;
const podTraffic = `-A ${ext} -m comment --comment "pod traffic for default/web:http external destinations"`;

interface OptionCase {
  readonly name: string;
  readonly input: string;
  readonly options: Partial<ProxyOptions>;
  readonly has?: readonly string[];
  readonly lacks?: readonly string[];
}

describe("options of kube-proxy in iptables mode", () => {
  test.each<OptionCase>([
    {
      name: "masquerade-all masquerades whatever goes to a cluster IP",
      input: "a-clusterip",
      options: { masqueradeAll: true },
      has: [`${toClusterIP} -j KUBE-MARK-MASQ\n`],
    },
    {
      name: "the mark is the masquerade bit, with eight digits",
      input: "a-clusterip",
      options: { masqueradeBit: 0 },
      has: ["-A KUBE-MARK-MASQ -j MARK --or-mark 0x00000001\n", "-m mark ! --mark 0x00000001/0x00000001 -j RETURN"],
    },
    {
      name: "pods are told by their bridge",
      input: "b2-nodeport-local",
      options: { detector: { kind: "bridge", name: "cni0" } },
      has: [`${toClusterIP} ! -i cni0 -j KUBE-MARK-MASQ\n`, `${podTraffic} -i cni0 -j ${svc}\n`],
    },
    {
      name: "pods are told by a prefix of their devices' names",
      input: "b2-nodeport-local",
      options: { detector: { kind: "prefix", prefix: "veth" } },
      has: [`${toClusterIP} ! -i veth+ -j KUBE-MARK-MASQ\n`, `${podTraffic} -i veth+ -j ${svc}\n`],
    },
    {
      name: "without a detector the rules that need one are left out",
      input: "b2-nodeport-local",
      options: { detector: { kind: "none" } },
      has: [`"masquerade LOCAL traffic for default/web:http external destinations"`],
      lacks: [`${toClusterIP}`, podTraffic],
    },
    {
      name: "nodePorts on stated addresses: one rule an address, loopback only with localhost nodePorts",
      input: "b-nodeport",
      options: { nodePortAddresses: ["192.168.0.0/16", "127.0.0.0/8"] },
      has: [
        `${lastRule} -d 127.0.0.1 -j KUBE-NODEPORTS\n${lastRule} -d 192.168.0.1 -j KUBE-NODEPORTS\n`,
        ":KUBE-FIREWALL",
      ],
      lacks: ["-d 10.9.0.1", "--dst-type LOCAL -j KUBE-NODEPORTS"],
    },
    {
      name: "stated addresses without loopback switch localhost nodePorts off",
      input: "b-nodeport",
      options: { nodePortAddresses: ["10.9.0.0/16"] },
      has: [`${lastRule} -d 10.9.0.1 -j KUBE-NODEPORTS\n`],
      lacks: ["KUBE-FIREWALL", "-d 127.0.0.1"],
    },
    {
      name: "a block of zero bits among the addresses means all",
      input: "b-nodeport",
      options: { nodePortAddresses: ["10.9.0.0/16", "0.0.0.0/0"] },
      has: [`${lastRule} -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS\n`],
    },
    {
      name: "localhost nodePorts off: no KUBE-FIREWALL, and loopback is left out",
      input: "b-nodeport",
      options: { localhostNodePorts: false },
      has: [`${lastRule} -m addrtype --dst-type LOCAL ! -d 127.0.0.0/8 -j KUBE-NODEPORTS\n`],
      lacks: ["KUBE-FIREWALL"],
    },
    {
      name: "liberal TCP tracking: INVALID is not dropped",
      input: "a-clusterip",
      options: { liberalTcp: true },
      lacks: ["--ctstate INVALID"],
    },
    {
      name: "without random-fully the port may stay",
      input: "a-clusterip",
      options: { randomFully: false },
      has: [`"kubernetes service traffic requiring SNAT" -j MASQUERADE\n`],
    },
    {
      name: "since 1.32 nodePort packets of localhost and INVALID drops are counted (facts, section 8)",
      input: "b-nodeport",
      options: { release: 32 },
      has: [
        "-m conntrack --ctstate INVALID -m nfacct --nfacct-name ct_state_invalid_dropped_pkts -j DROP\n",
        `-A KUBE-NODEPORTS -m comment --comment default/web:http -m tcp -p tcp -d 127.0.0.0/8 --dport 30080 -m nfacct --nfacct-name localhost_nps_accepted_pkts -j ${ext}\n-A KUBE-NODEPORTS -m comment --comment default/web:http -m tcp -p tcp --dport 30080 -j ${ext}\n`,
      ],
    },
    {
      name: "without localhost nodePorts later versions count INVALID alone",
      input: "b-nodeport",
      options: { release: 32, localhostNodePorts: false },
      has: ["ct_state_invalid_dropped_pkts"],
      lacks: ["localhost_nps_accepted_pkts"],
    },
  ])("$name", ({ input, options, has = [], lacks = [] }) => {
    const text = restoreText(input, options);
    for (const line of has) expect(text).toContain(line);
    for (const line of lacks) expect(text).not.toContain(line);
  });

  test("route_localnet is set for localhost nodePorts alone", () => {
    const { objects } = recordedInput("a-clusterip");
    const sysctls = (options: ProxyOptions): unknown[] =>
      iptablesProxier.sync(objects, node, options).commands.filter(({ kind }) => kind === "sysctl");
    expect(sysctls(recordedOptions("ipv4"))).toEqual([
      { kind: "sysctl", name: "net.ipv4.conf.all.route_localnet", value: 1 },
    ]);
    expect(sysctls({ ...recordedOptions("ipv4"), localhostNodePorts: false })).toEqual([]);
    expect(sysctls(recordedOptions("ipv6"))).toEqual([]);
  });
});

describe("owners", () => {
  test("rules of a Service name its port, those of an endpoint its slice, the rest kube-proxy", () => {
    const { commands } = iptablesProxier.sync(recordedInput("a-clusterip").objects, node, recordedOptions("ipv4"));
    const restore = commands.find((command) => command.kind === "iptables-restore")?.restore;
    const [port] = restore?.services.flat() ?? [];
    expect(port?.nat[0]?.rule.owner).toEqual({
      kind: "Service",
      namespace: "default",
      name: "web",
      detail: "port http",
    });
    const endpoints = port?.chains.filter(({ name }) => name.startsWith("KUBE-SEP-"));
    expect(endpoints?.[0]?.rules.map(({ owner }) => owner)).toEqual(
      Array.from({ length: 2 }, () => ({
        kind: "EndpointSlice",
        namespace: "default",
        name: "web-abc12",
        detail: "10.244.0.10:8080",
      })),
    );
    expect(restore?.nat.first[0]?.rule.owner).toEqual({ kind: "Component", name: "kube-proxy" });
  });
});

test("IPVS serves nodePorts on every address but loopback", () => {
  const { state } = ipvsProxier.sync(recordedInput("b-nodeport").objects, node, recordedOptions("ipv4"));
  expect([...state.services.keys()].filter((key) => key.includes(":30080"))).toEqual([
    "192.168.0.1:30080/TCP",
    "10.9.0.1:30080/TCP",
  ]);
});
