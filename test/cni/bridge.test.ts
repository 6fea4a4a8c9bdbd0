import { describe, expect, test } from "vitest";
import { bridge, bridgePlugin } from "../../src/cni/bridge/plugin.ts";
import { setBridgeNetfilter } from "../../src/cni/components/bridge-netfilter.ts";
import { ipMasqRules } from "../../src/cni/components/ip-masq.ts";
import { addNodeRoutes } from "../../src/cni/components/node-routes.ts";
import type { CniPlugin, NodeContext } from "../../src/cni/plugin.ts";
import { printCommand } from "../../src/iptables/print.ts";
import { addAddress } from "../../src/kernel/address.ts";
import { addDevice, setUp } from "../../src/kernel/link.ts";
import type { NetworkNamespace } from "../../src/kernel/namespace.ts";
import { formatRoute } from "../../src/kernel/route-text.ts";
import { address, formatAddress } from "../../src/wire/address.ts";
import { cluster, node, pod } from "../netpolicy/objects.ts";
import { namespaceNamed } from "./namespaces.ts";

/*
 * What the tools print on a node of the plugin `bridge` (containernetworking/plugins v1.9.1, plugins/main/bridge,
 * pkg/ipam ConfigureIface), with host-local and `isGateway`, node A = 172.18.0.2, pod CIDR 10.244.1.0/24.
 */

const nodeA = node("node-a", ["172.18.0.2", "fc00:18::2"], ["10.244.1.0/24", "fd00:10:244:1::/64"]);
const nodeB = node("node-b", ["172.18.0.3", "fc00:18::3"], ["10.244.2.0/24", "fd00:10:244:2::/64"]);
const a1 = pod("shop/a1", ["10.244.1.5", "fd00:10:244:1::5"]);
const stray = pod("shop/stray", "10.9.0.7");

interface Made {
  readonly context: NodeContext;
  readonly pods: readonly NetworkNamespace[];
}

function make(plugin: CniPlugin = bridge, pods = [a1]): Made {
  const host = namespaceNamed("node-a");
  addDevice(host, { kind: "physical", name: "eth0" });
  addAddress(host, "eth0", address("172.18.0.2"), 16);
  addAddress(host, "eth0", address("fc00:18::2"), 64);
  setUp(host, "eth0");
  const context = { cluster: cluster({ nodes: [nodeA, nodeB], pods }), node: nodeA, host };
  plugin.prepareNode(context);
  return {
    context,
    pods: pods.map((each) => {
      const namespace = namespaceNamed(`${each.metadata.namespace}/${each.metadata.name}`);
      plugin.add(context, each, namespace);
      return namespace;
    }),
  };
}

/** `ip route` of the main table, IPv4 or IPv6, without link-local routes. */
function routes(namespace: NetworkNamespace, family: "ipv4" | "ipv6" = "ipv4"): string[] {
  return namespace.fib[family]
    .routes()
    .map(formatRoute)
    .filter((text) => !text.startsWith("fe80"));
}

function addresses(namespace: NetworkNamespace, device: string): string[] {
  return (namespace.devices.get(device)?.addresses ?? [])
    .filter(({ scope }) => scope === "global")
    .map((entry) => `${formatAddress(entry.address)}/${entry.prefixLength}`);
}

describe("in the pod", () => {
  const [namespace] = make().pods as [NetworkNamespace];

  test("eth0 has the address with the mask of the node's pod CIDR, in both families", () => {
    expect(addresses(namespace, "eth0")).toEqual(["10.244.1.5/24", "fd00:10:244:1::5/64"]);
  });

  test("the default route leads to the bridge", () => {
    expect(routes(namespace)).toEqual([
      "default via 10.244.1.1 dev eth0",
      "10.244.1.0/24 dev eth0 proto kernel scope link src 10.244.1.5",
    ]);
    expect(routes(namespace, "ipv6")).toEqual([
      "default via fd00:10:244:1::1 dev eth0 metric 1024",
      "fd00:10:244:1::/64 dev eth0 proto kernel metric 256",
    ]);
  });

  test("the plugin announces the address when the link comes up, and waits for no duplicate detection", () => {
    expect(namespace.sysctls.get("net.ipv4.conf.eth0.arp_notify")).toBe(1);
    expect(namespace.sysctls.get("net.ipv6.conf.eth0.accept_dad")).toBe(0);
  });
});

describe("on the node", () => {
  const { context } = make();
  const { host } = context;
  const name = bridge.hostDevice(a1);

  test("cni0 has the gateway's addresses and the route to the pods", () => {
    expect(addresses(host, "cni0")).toEqual(["10.244.1.1/24", "fd00:10:244:1::1/64"]);
    expect(routes(host)).toContain("10.244.1.0/24 dev cni0 proto kernel scope link src 10.244.1.1");
  });

  test("the node forwards", () => {
    expect(host.sysctls.get("net.ipv4.ip_forward")).toBe(1);
    expect(host.sysctls.get("net.ipv6.conf.all.forwarding")).toBe(1);
  });

  test("the veth's name has the shape of RandomVethName and is the same in every run", () => {
    expect(name).toMatch(/^veth[0-9a-f]{8}$/);
    expect(make().context.host.devices.has(name)).toBe(true);
  });

  test("the veth is a port of the bridge with hairpin on, and its peer is the pod's eth0", () => {
    expect(host.devices.get(name)).toMatchObject({
      kind: "veth",
      up: true,
      peer: { namespace: "shop/a1", device: "eth0" },
      port: { hairpin: true, isolated: false, learning: true },
      owner: { kind: "Pod", namespace: "shop", name: "a1" },
    });
  });

  test("bridge fdb: the veth's own MAC is permanent on its port, and the bridge keeps its own MAC", () => {
    const bridgeDevice = host.devices.get("cni0");
    if (bridgeDevice?.kind !== "bridge") throw new Error("no bridge");
    const veth = host.devices.get(name);
    expect(bridgeDevice.fdb.get(veth?.mac as never)).toMatchObject({ port: name, permanent: true });
    expect(bridgeDevice.fdb.get(bridgeDevice.mac)).toMatchObject({ port: "cni0", permanent: true });
    expect(bridgeDevice.mac).not.toBe(veth?.mac);
  });

  test("all MAC addresses are unicast and locally administered", () => {
    for (const device of host.devices.values()) {
      if (device.kind === "loopback" || device.name === "eth0") continue;
      expect(Number.parseInt(device.mac.slice(0, 2), 16) & 3).toBe(2);
    }
  });

  test("nothing leads to the pods of other nodes: the plugin leaves that to others", () => {
    expect(routes(host).filter((text) => text.includes("10.244.2"))).toEqual([]);
  });

  test("DEL takes the veth away again", () => {
    const { context: other } = make();
    bridge.del(other, a1);
    expect(other.host.devices.has(name)).toBe(false);
    expect(other.host.devices.get("cni0")).toMatchObject({ ports: [] });
  });
});

test("an address outside every pod CIDR is a /32 with routes on both sides", () => {
  const { context, pods } = make(bridge, [stray]);
  const [namespace] = pods as [NetworkNamespace];
  expect(addresses(namespace, "eth0")).toEqual(["10.9.0.7/32"]);
  expect(routes(namespace)).toEqual(["default via 10.244.1.1 dev eth0", "10.244.1.1 dev eth0 scope link"]);
  expect(routes(context.host)).toContain("10.9.0.7 dev cni0 scope link");
  bridge.del(context, stray);
  expect(routes(context.host)).not.toContain("10.9.0.7 dev cni0 scope link");
});

test("mtu, hairpinMode and the bridge's name come from the configuration", () => {
  const { context, pods } = make(bridgePlugin({ bridge: "cbr0", mtu: 1450, hairpinMode: false }));
  const { host } = context;
  expect(host.devices.get("cbr0")?.mtu).toBe(1450);
  expect(host.devices.get(bridge.hostDevice(a1))).toMatchObject({ mtu: 1450, port: { hairpin: false } });
  expect(pods[0]?.devices.get("eth0")?.mtu).toBe(1450);
});

describe("beside the plugin", () => {
  test("node routes: the other nodes' pods by their InternalIP, printed without a protocol as netlink's default", () => {
    const { context } = make();
    addNodeRoutes(context);
    expect(routes(context.host)).toContain("10.244.2.0/24 via 172.18.0.3 dev eth0");
    expect(routes(context.host, "ipv6")).toContain("fd00:10:244:2::/64 via fc00:18::3 dev eth0 metric 1024");
  });

  test("br_netfilter is on where the cluster says so", () => {
    const { context } = make();
    setBridgeNetfilter(context);
    expect(context.host.sysctls.get("net.bridge.bridge-nf-call-iptables")).toBe(1);
    const settings = { ...context.cluster.settings, bridgeNfCallIptables: false };
    setBridgeNetfilter({ ...context, cluster: { ...context.cluster, settings } });
    expect(context.host.sysctls.get("net.bridge.bridge-nf-call-iptables")).toBe(0);
  });

  // The rules that the agent's own test expects: kubernetes-sigs/ip-masq-agent, cmd/ip-masq-agent/ip-masq-agent_test.go.
  test("ip-masq-agent's default rules", () => {
    const [table] = ipMasqRules(cluster({}).settings, "ipv4").tables;
    expect(table?.table).toBe("nat");
    expect(table?.commands.map((command) => printCommand(command, "ipv4"))).toEqual([
      ":IP-MASQ-AGENT - [0:0]",
      `-A POSTROUTING -m comment --comment "ip-masq-agent: ensure nat POSTROUTING directs all non-LOCAL destination traffic to our custom IP-MASQ-AGENT chain" -m addrtype ! --dst-type LOCAL -j IP-MASQ-AGENT`,
      `-A IP-MASQ-AGENT -d 169.254.0.0/16 -m comment --comment "ip-masq-agent: local traffic is not subject to MASQUERADE" -j RETURN`,
      `-A IP-MASQ-AGENT -d 10.0.0.0/8 -m comment --comment "ip-masq-agent: local traffic is not subject to MASQUERADE" -j RETURN`,
      `-A IP-MASQ-AGENT -d 172.16.0.0/12 -m comment --comment "ip-masq-agent: local traffic is not subject to MASQUERADE" -j RETURN`,
      `-A IP-MASQ-AGENT -d 192.168.0.0/16 -m comment --comment "ip-masq-agent: local traffic is not subject to MASQUERADE" -j RETURN`,
      `-A IP-MASQ-AGENT -m comment --comment "ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)" -j MASQUERADE --random-fully`,
    ]);
  });

  test("pods with other than private addresses keep them inside the cluster", () => {
    const settings = { ...cluster({}).settings, podCidrs: ["100.64.0.0/16", "fd00:10:244::/48"] };
    const kept = (family: "ipv4" | "ipv6"): string[] =>
      (ipMasqRules(settings, family).tables[0]?.commands ?? [])
        .map((command) => printCommand(command, family))
        .flatMap((line) => /-d (\S+)/.exec(line)?.[1] ?? []);
    expect(kept("ipv4").at(-1)).toBe("100.64.0.0/16");
    expect(kept("ipv6")).toEqual(["fe80::/10", "fd00:10:244::/48"]);
  });
});
