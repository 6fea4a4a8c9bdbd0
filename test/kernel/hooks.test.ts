import { expect, test } from "vitest";
import type { NetworkNamespace } from "../../src/kernel/namespace.ts";
import { placeOf, priorities } from "../../src/kernel/netfilter.ts";
import type { HookName } from "../../src/trace/records.ts";
import { address, formatAddress } from "../../src/wire/address.ts";
import type { Packet } from "../../src/wire/packet.ts";
import { type Lab, byDevice, hostGateway, ping, run, udp, wireOf } from "./cluster.ts";

const hookNames: readonly HookName[] = ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"];

/** Notes each hook a packet meets, as the rule traces of the kernel cases print it. */
function spy(ns: NetworkNamespace): string[] {
  const seen: string[] = [];
  for (const hook of hookNames) {
    ns.hooks.register("ipv4", hook, {
      name: "spy",
      priority: priorities.filter,
      run(state) {
        const place = placeOf(state);
        const parts = [
          place.hook,
          place.inDevice && `in=${place.inDevice}`,
          place.outDevice && `out=${place.outDevice}`,
          place.physInDevice && `physin=${place.physInDevice}`,
          place.physOutDevice && `physout=${place.physOutDevice}`,
          `ttl=${state.skb.packet.ttl}`,
        ];
        seen.push(parts.filter((part) => part !== undefined).join(" "));
        return "accept";
      },
    });
  }
  return seen;
}

/** A DNAT of one address without connection tracking, at the priority of the nat table. */
function translate(ns: NetworkNamespace, hook: HookName, from: string, to: string): void {
  ns.hooks.register("ipv4", hook, {
    name: "nat",
    priority: priorities.natDst,
    run({ skb }) {
      if (skb.packet.dst !== address(from)) return "accept";
      skb.packet = { ...skb.packet, dst: address(to) };
      skb.track?.step({ kind: "nat", manip: "dst", action: "apply", changes: [{ field: "dst", from, to }] });
      return "accept";
    },
  });
}

const vip = "10.96.0.11";

// Expectations: the places in the rule traces of test/referee/kernel/{hostgw,brnf0}/golden.json, and facts of
// the frames there.
test.for<{
  readonly name: string;
  readonly from?: string;
  readonly packet: Packet;
  readonly prepare?: (lab: Lab) => void;
  readonly hooks: readonly string[];
}>([
  {
    name: "pod to pod on one node is shown to iptables in the bridge",
    packet: udp("10.244.0.3", "10.244.0.2"),
    hooks: [
      "PREROUTING in=cni0 physin=vethp1b ttl=64",
      "FORWARD in=cni0 out=cni0 physin=vethp1b physout=vethp1a ttl=64",
      "POSTROUTING out=cni0 physout=vethp1a ttl=64",
    ],
  },
  {
    name: "with bridge-nf-call-iptables=0 pod to pod on one node meets no hook",
    packet: udp("10.244.0.3", "10.244.0.2"),
    prepare: (lab) => lab.ns("node1").sysctls.set("net.bridge.bridge-nf-call-iptables", 0),
    hooks: [],
  },
  {
    name: "a frame for the bridge meets PREROUTING once and keeps its physin",
    packet: udp("10.244.0.3", "10.244.1.2"),
    hooks: [
      "PREROUTING in=cni0 physin=vethp1b ttl=64",
      "FORWARD in=cni0 out=eth0 physin=vethp1b ttl=63",
      "POSTROUTING in=cni0 out=eth0 physin=vethp1b ttl=63",
    ],
  },
  {
    name: "DNAT to a pod behind the same bridge keeps the packet bridged",
    packet: udp("10.244.0.3", vip),
    prepare: (lab) => translate(lab.ns("node1"), "PREROUTING", vip, "10.244.0.2"),
    hooks: [
      "PREROUTING in=cni0 physin=vethp1b ttl=64",
      "FORWARD in=cni0 out=cni0 physin=vethp1b physout=vethp1a ttl=64",
      "POSTROUTING out=cni0 physout=vethp1a ttl=64",
    ],
  },
  {
    name: "without br_netfilter the same DNAT is routed",
    packet: udp("10.244.0.3", vip),
    prepare(lab) {
      lab.ns("node1").sysctls.set("net.bridge.bridge-nf-call-iptables", 0);
      lab.ns("node1").sysctls.set("net.ipv4.conf.all.send_redirects", 0);
      lab.ns("node1").sysctls.set("net.ipv4.conf.cni0.send_redirects", 0);
      translate(lab.ns("node1"), "PREROUTING", vip, "10.244.0.2");
    },
    hooks: ["PREROUTING in=cni0 ttl=64", "FORWARD in=cni0 out=cni0 ttl=63", "POSTROUTING in=cni0 out=cni0 ttl=63"],
  },
  {
    name: "DNAT to another node is handed up and routed",
    packet: udp("10.244.0.3", vip),
    prepare: (lab) => translate(lab.ns("node1"), "PREROUTING", vip, "10.244.1.2"),
    hooks: [
      "PREROUTING in=cni0 physin=vethp1b ttl=64",
      "FORWARD in=cni0 out=eth0 physin=vethp1b ttl=63",
      "POSTROUTING in=cni0 out=eth0 physin=vethp1b ttl=63",
    ],
  },
  {
    name: "DNAT in OUTPUT: the rest of OUTPUT sees the old device, POSTROUTING the new one",
    from: "node1",
    packet: udp("172.18.0.2", vip),
    prepare: (lab) => translate(lab.ns("node1"), "OUTPUT", vip, "10.244.0.2"),
    hooks: ["OUTPUT out=eth0 ttl=64", "POSTROUTING out=cni0 ttl=64"],
  },
  {
    name: "a packet to the node's own address goes by the loopback",
    from: "node1",
    packet: udp("172.18.0.2", "172.18.0.2"),
    hooks: ["OUTPUT out=lo ttl=64", "POSTROUTING out=lo ttl=64", "PREROUTING in=lo ttl=64", "INPUT in=lo ttl=64"],
  },
  {
    name: "a redirect is sent before FORWARD when the packet leaves by the device it came in by",
    from: "ext",
    packet: udp("172.18.0.100", "10.96.0.12"),
    prepare(lab) {
      lab.ns("ext").fib.ipv4.add({
        ...lab.ns("ext").fib.ipv4.routes()[0]!,
        destination: { base: address("10.96.0.0"), prefixLength: 16 },
      });
      translate(lab.ns("node1"), "PREROUTING", "10.96.0.12", "10.244.1.2");
    },
    hooks: [
      "PREROUTING in=eth0 ttl=64",
      "OUTPUT out=eth0 ttl=64",
      "POSTROUTING out=eth0 ttl=64",
      "FORWARD in=eth0 out=eth0 ttl=63",
      "POSTROUTING in=eth0 out=eth0 ttl=63",
    ],
  },
])("$name", ({ from = "p1b", packet, prepare, hooks }) => {
  const lab = hostGateway();
  prepare?.(lab);
  const seen = spy(lab.ns("node1"));
  run(lab, from, packet);
  expect(seen.filter((line) => !line.includes("OUTPUT out=cni0")).slice(0, hooks.length || 1)).toEqual(hooks);
});

test("a frame that DNAT keeps in the bridge has the client's MAC as source and the server's as destination", () => {
  // svc-local in test/referee/kernel/hostgw/golden.json: `cni0 out` only while the neighbour is unknown.
  const lab = hostGateway();
  translate(lab.ns("node1"), "PREROUTING", vip, "10.244.0.2");
  const first = byDevice(wireOf(run(lab, "p1b", udp("10.244.0.3", vip))));
  const straight = `02:00:0a:f4:00:03>02:00:0a:f4:00:02 10.244.0.3:40000>10.244.0.2:9999 udp ttl=64`;
  expect(first["node1 cni0 out"]).toEqual([straight]);
  expect(first["p1a eth0 in"]).toEqual([straight]);
  const second = byDevice(wireOf(run(lab, "p1b", udp("10.244.0.3", vip))));
  expect(second["node1 cni0 out"]).toBeUndefined();
  expect(second["p1a eth0 in"]).toEqual([straight]);
});

test("a bridged packet that would leave by its own port needs hairpin mode (nohairpin, hairpin flow)", () => {
  const lab = hostGateway();
  translate(lab.ns("node1"), "PREROUTING", vip, "10.244.0.2");
  expect(byDevice(wireOf(run(lab, "p1a", udp("10.244.0.2", vip))))["p1a eth0 in"]).toHaveLength(1);
  const port = lab.ns("node1").devices.get("vethp1a")?.port;
  if (port) port.hairpin = false;
  const [packet] = run(lab, "p1a", udp("10.244.0.2", vip));
  expect(packet?.hops.flatMap(({ steps }) => steps).at(-1)).toMatchObject({ kind: "drop", code: "BRIDGE_SAME_PORT" });
});

test("a hook that drops in OUTPUT gives the sender EPERM, a missing route ENETUNREACH", async () => {
  const { sendPacket } = await import("../../src/kernel/ip/output.ts");
  const lab = hostGateway();
  const ext = lab.ns("ext");
  expect(sendPacket(ext, udp("172.18.0.100", "10.96.0.1"), { flowKey: "t" })).toEqual({ errno: "ENETUNREACH" });
  ext.hooks.register("ipv4", "OUTPUT", { name: "filter", priority: 0, run: () => "drop" });
  expect(sendPacket(ext, udp("172.18.0.100", "172.18.0.2"), { flowKey: "t" })).toEqual({ errno: "EPERM" });
});

test("NodePort on 127.0.0.1 ends at the second lookup without route_localnet", () => {
  // host-lo-np in test/referee/kernel/hostgw/golden.json: DNAT in nat OUTPUT is the last event.
  const lab = hostGateway();
  const node = lab.ns("node1");
  translate(node, "OUTPUT", "127.0.0.1", "10.244.0.2");
  const seen = spy(node);
  const [packet] = run(lab, "node1", udp("127.0.0.1", "127.0.0.1"));
  expect(seen).toEqual([]);
  expect(packet?.hops[0]?.steps.at(-1)).toMatchObject({ kind: "drop", code: "LOOPBACK_SOURCE" });
  node.sysctls.set("net.ipv4.conf.all.route_localnet", 1);
  run(lab, "node1", udp("127.0.0.1", "127.0.0.1"));
  expect(seen.slice(0, 2)).toEqual(["OUTPUT out=lo ttl=64", "POSTROUTING out=cni0 ttl=64"]);
});

test.for([
  { mode: 0, spoofed: "192.0.2.1", delivered: true },
  { mode: 1, spoofed: "192.0.2.1", delivered: false },
  { mode: 2, spoofed: "192.0.2.1", delivered: true },
  { mode: 0, spoofed: "172.18.0.2", delivered: false },
])("rp_filter=$mode, source $spoofed from a pod: delivered $delivered", ({ mode, spoofed, delivered }) => {
  // Documentation/networking/ip-sysctl.rst: 1 strict, 2 loose (a default route makes every source reachable).
  const lab = hostGateway();
  lab.ns("node1").sysctls.set("net.ipv4.conf.all.rp_filter", mode);
  const [packet] = run(lab, "p1b", udp(spoofed, "10.244.1.2"));
  expect(packet?.hops.at(-1)?.namespace === "p2a", formatAddress(address(spoofed))).toBe(delivered);
});

test("an echo request to a pod is answered by its kernel", () => {
  const lab = hostGateway();
  const packets = run(lab, "p1b", ping("10.244.0.3", "10.244.1.2"));
  expect(packets.find(({ direction }) => direction === "reply")?.hops.at(-1)).toMatchObject({
    namespace: "p1b",
    packet: { icmpType: 0, ttl: 62 },
  });
});
