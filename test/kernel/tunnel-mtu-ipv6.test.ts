import { expect, test } from "vitest";
import { pathMtu } from "../../src/kernel/ip/path-mtu.ts";
import { fragment } from "../../src/kernel/ip/fragment-output.ts";
import { defragmentHook } from "../../src/kernel/ip/reassemble.ts";
import { addDevice, setUp } from "../../src/kernel/link.ts";
import { addRoute } from "../../src/kernel/routes.ts";
import { address } from "../../src/wire/address.ts";
import { parseCidr } from "../../src/wire/cidr.ts";
import { type Mac, parseMac } from "../../src/wire/mac.ts";
import { packetBytes } from "../../src/wire/packet.ts";
import {
  type Lab,
  addr,
  bridge,
  byDevice,
  emptyLab,
  hostGateway,
  link,
  ping,
  route,
  run,
  udp,
  wireOf,
} from "./cluster.ts";

/** The flannel-like overlay of test/referee/kernel/vxlan over the host gateway lab. */
function overlay(): Lab {
  const lab = hostGateway();
  const ends = [
    {
      node: "node1",
      own: "172.18.0.2",
      other: "172.18.0.3",
      mac: "02:00:f1:00:00:02",
      peer: "02:00:f1:00:00:03",
      net: 0,
    },
    {
      node: "node2",
      own: "172.18.0.3",
      other: "172.18.0.2",
      mac: "02:00:f1:00:00:03",
      peer: "02:00:f1:00:00:02",
      net: 1,
    },
  ];
  for (const { node, own, other, mac, peer, net } of ends) {
    const ns = lab.ns(node);
    const remoteNet = parseCidr(`10.244.${1 - net}.0/24`)!;
    ns.fib.ipv4.delete({ destination: remoteNet });
    const device = addDevice(ns, {
      kind: "vxlan",
      name: "flannel.1",
      mac: parseMac(mac)!,
      vni: 1,
      local: address(own),
      lower: "eth0",
      learning: false,
    });
    addr(ns, "flannel.1", `10.244.${net}.0/32`);
    setUp(ns, "flannel.1");
    const via = address(`10.244.${1 - net}.0`);
    ns.neighbours.set({ device: "flannel.1", address: via, mac: peer as Mac, state: "PERMANENT" });
    if (device.kind === "vxlan") device.fdb.set(peer as Mac, { mac: peer as Mac, remote: address(other) });
    addRoute(ns, { destination: remoteNet, via, device: "flannel.1", onlink: true });
  }
  return lab;
}

test("VXLAN: the inner packet's way and the outer packet's, as recorded (vxlan, ping-cross)", () => {
  const lab = overlay();
  const packets = run(lab, "p1b", ping("10.244.0.3", "10.244.1.2"));
  const frames = byDevice(wireOf(packets));
  const inner = "02:00:f1:00:00:02>02:00:f1:00:00:03 10.244.0.3>10.244.1.2 icmp 8/0 ttl=63";
  expect(frames["node1 flannel.1 out"]).toEqual([inner]);
  expect(frames["node2 flannel.1 in"]).toEqual([inner]);
  expect(frames["p2a eth0 in"]).toEqual(["02:00:0a:f4:01:01>02:00:0a:f4:01:02 10.244.0.3>10.244.1.2 icmp 8/0 ttl=62"]);
  expect(frames["p1b eth0 in"]).toEqual(["02:00:0a:f4:00:01>02:00:0a:f4:00:03 10.244.1.2>10.244.0.3 icmp 0/0 ttl=62"]);
  const [outer] = frames["node2 eth0 in"] ?? [];
  expect(outer).toMatch(/^02:00:ac:12:00:02>02:00:ac:12:00:03 172\.18\.0\.2:\d+>172\.18\.0\.3:8472 udp ttl=64$/);
  const port = Number(/\.2:(\d+)>/.exec(outer ?? "")?.[1]);
  expect(port).toBeGreaterThanOrEqual(32_768);
  expect(port).toBeLessThan(61_000);
  // Outer packets are packets of their own, tied to the inner one.
  expect(packets.filter(({ causedBy }) => causedBy?.reason === "outer packet of the tunnel")).toHaveLength(2);
  expect(packets[0]?.hops.map(({ namespace }) => namespace)).toEqual(["p1b", "node1", "node2", "p2a"]);
});

test("VXLAN adds 50 bytes to the packet", () => {
  const lab = overlay();
  const packets = run(lab, "p1b", udp("10.244.0.3", "10.244.1.2", {}, 100));
  expect(packets[0]?.hops[0]?.packet.length).toBe(128);
  expect(packets.find(({ causedBy }) => causedBy?.reason.startsWith("outer"))?.hops[0]?.packet.length).toBe(178);
});

test("a link with a smaller MTU answers 3/4 to a packet with DF, and the sender remembers it (mtu, udp-df-do)", () => {
  const lab = hostGateway();
  const cni = lab.ns("node2").devices.get("cni0");
  if (cni) cni.mtu = 1400;
  const frames = byDevice(wireOf(run(lab, "p1b", udp("10.244.0.3", "10.244.1.3", {}, 1472))));
  expect(frames["p1b eth0 in"]).toEqual([
    "02:00:0a:f4:00:01>02:00:0a:f4:00:03 172.18.0.3>10.244.0.3 icmp 3/4 about(10.244.0.3:40000>10.244.1.3:9999 udp ttl=63) ttl=63",
  ]);
  expect(pathMtu(lab.ns("p1b"), address("10.244.1.3"))).toBe(1400);
  expect(pathMtu(lab.ns("p1b"), address("10.244.0.2"))).toBe(1500);
});

test("without DF the node cuts the packet to the MTU ahead; the receiver puts it together", () => {
  const lab = hostGateway();
  const cni = lab.ns("node2").devices.get("cni0");
  if (cni) cni.mtu = 1400;
  const packets = run(lab, "p1b", udp("10.244.0.3", "10.244.1.3", { dontFragment: false }, 1472));
  const lengths = packets
    .filter(({ causedBy }) => causedBy?.reason === "fragment")
    .map(({ hops }) => hops[0]?.packet.length);
  // fragments 1396 + 124: test/referee/kernel/mtu, udp-df-want.
  expect(lengths).toEqual([1396, 124]);
  expect(packets[0]?.hops.at(-1)).toMatchObject({ namespace: "p2b", packet: { length: 1500, ttl: 62 } });
});

test("fragments are put together before conntrack and cut again to their old size (mtu, udp-frags-dont)", () => {
  const lab = hostGateway();
  for (const name of ["node1", "node2"]) {
    for (const hook of ["PREROUTING", "OUTPUT"] as const) lab.ns(name).hooks.register("ipv4", hook, defragmentHook());
  }
  const cni = lab.ns("node2").devices.get("cni0");
  if (cni) cni.mtu = 1400;
  const frames = run(lab, "p1b", udp("10.244.0.3", "10.244.1.3", { dontFragment: false }, 3000));
  const lengths = (namespace: string): (number | undefined)[] =>
    frames
      .flatMap(({ hops }) => hops.filter((hop) => hop.namespace === namespace && hop.device === "eth0"))
      .map(({ packet }) => packet.length);
  expect(lengths("node2")).toEqual([3028, 1500, 1500, 68]);
  expect(lengths("p2b")).toEqual([3028, 1396, 1396, 276]);
});

test("fragment offsets are multiples of 8 and the lengths add up (RFC 791)", () => {
  const whole = udp("10.0.0.1", "10.0.0.2", {}, 3000);
  const pieces = fragment(whole, 1500);
  expect(pieces.map((piece) => packetBytes(piece))).toEqual([1500, 1500, 68]);
  expect(pieces.map(({ fragment: cut }) => [cut?.offset, cut?.more])).toEqual([
    [0, true],
    [1480, true],
    [2960, false],
  ]);
});

/** Two pods on two routers in IPv6: test/referee/kernel/ipv6. */
function ipv6Lab(): Lab {
  const lab = emptyLab();
  for (const line of [
    "node1:eth0=02:00:ac:12:00:02 sw:node1=02:00:ff:00:00:02",
    "node2:eth0=02:00:ac:12:00:03 sw:node2=02:00:ff:00:00:03",
    "c1:eth0=02:00:0a:f4:00:02 node1:vethc1=02:00:fe:f4:00:02",
    "w2a:eth0=02:00:0a:f4:01:03 node2:vethw2a=02:00:fe:f4:01:03",
  ]) {
    link(lab, line);
  }
  bridge(lab.ns("sw"), "br0", "02:00:ff:00:00:01", ["node1", "node2"]);
  for (const [name, pod, port, number] of [
    ["node1", "c1", "vethc1", 0],
    ["node2", "w2a", "vethw2a", 1],
  ] as const) {
    const ns = lab.ns(name);
    ns.sysctls.set("net.ipv6.conf.all.forwarding", 1);
    ns.sysctls.set("net.ipv6.icmp.ratelimit", 0);
    addr(ns, "eth0", `fd00:172:18::${number + 2}/64`);
    bridge(ns, "cni0", `02:00:0a:f4:0${number}:01`, [port], true);
    const net = number === 0 ? "fd00:10:244:" : "fd00:10:244:1:";
    addr(ns, "cni0", `${net}:1/64`);
    route(ns, number === 0 ? "fd00:10:244:1::/64" : "fd00:10:244::/64", `fd00:172:18::${3 - number}`);
    addr(lab.ns(pod), "eth0", `${net}:${number + 2}/64`);
    route(lab.ns(pod), "default", `${net}:1`);
  }
  return lab;
}

test("IPv6: a ping crosses two nodes with neighbour discovery, hop limit 64, 63, 62", () => {
  const lab = ipv6Lab();
  const frames = byDevice(wireOf(run(lab, "c1", ping("fd00:10:244::2", "fd00:10:244:1::3"))));
  expect(frames["w2a eth0 in"]).toEqual([
    "02:00:0a:f4:01:01>02:00:0a:f4:01:03 [fd00:10:244::2]>[fd00:10:244:1::3] icmp6 128/0 ttl=62",
  ]);
  expect(frames["c1 eth0 in"]).toEqual([
    "02:00:0a:f4:00:01>02:00:0a:f4:00:02 [fd00:10:244:1::3]>[fd00:10:244::2] icmp6 129/0 ttl=62",
  ]);
});

test("IPv6: the hop limit runs out at the first node (ipv6, ttl1)", () => {
  const lab = ipv6Lab();
  const frames = byDevice(wireOf(run(lab, "c1", ping("fd00:10:244::2", "fd00:10:244:1::3", { ttl: 1 }))));
  expect(frames["c1 eth0 in"]).toEqual([
    "02:00:0a:f4:00:01>02:00:0a:f4:00:02 [fd00:10:244::1]>[fd00:10:244::2] icmp6 3/0 about([fd00:10:244::2]>[fd00:10:244:1::3] icmp6 128/0 ttl=1) ttl=64",
  ]);
});
