import { expect, test } from "vitest";
import { seededChance } from "../../src/kernel/chance.ts";
import { EventQueue } from "../../src/kernel/clock.ts";
import { addDevice, setUp } from "../../src/kernel/link.ts";
import { createNamespace } from "../../src/kernel/namespace-create.ts";
import type { NetworkNamespace } from "../../src/kernel/namespace.ts";
import { Network } from "../../src/kernel/network.ts";
import { kernelProfiles } from "../../src/kernel/profile.ts";
import { runBridgeBatch, runIpBatch } from "../../src/topology/ip-batch.ts";
import { readAddresses, readFdb, readNeighbours, readRoutes, readRules } from "../../src/topology/read-shown.ts";
import { showAddresses, showFdb, showNeighbours, showRoutes, showRules } from "../../src/topology/show.ts";
import { TextError } from "../../src/iptables/text-error.ts";
import { Recorder } from "../../src/trace/recorder.ts";
import { parseMac } from "../../src/wire/mac.ts";

function namespace(): NetworkNamespace {
  const clock = new EventQueue();
  const recorder = new Recorder("off", () => clock.nowNanos());
  const ns = createNamespace({
    name: "node",
    surroundings: {
      clock,
      chance: seededChance(1),
      wire: new Network(clock),
      recorder,
      profile: kernelProfiles["6.18"],
    },
  });
  const mac = parseMac("02:00:00:00:00:01");
  addDevice(ns, { kind: "veth", name: "eth0", ...(mac && { mac }), peer: { namespace: "sw", device: "p0" } });
  setUp(ns, "eth0");
  return ns;
}

/** The commands, and below what iproute2 6.1 printed after them on Linux 6.18 (trailing blanks cut,
 * and of `ip addr` the words nodad and tentative). */
const commands = `addr add 172.18.0.2/16 dev eth0
addr add fd00::1/64 dev eth0 nodad
route add default via 172.18.0.1
route add blackhole 10.245.0.0/16
route add 10.9.0.0/16 via 172.18.0.9 metric 50 proto 80
route add 10.8.0.0/16 dev eth0 src 172.18.0.2 mtu 1400 table 133
route add 10.7.0.0/16 via 10.244.1.0 dev eth0 onlink
route add 10.6.0.1 via 172.18.0.5
neigh add 172.18.0.7 lladdr 02:00:f1:00:00:03 dev eth0 nud permanent
neigh add fd00::7 lladdr 02:00:f1:00:00:04 dev eth0 nud stale
route add fd01::/64 via fd00::9
route add default via fd00::8
rule add fwmark 0x539 lookup 133
rule add fwmark 0x1/0xf lookup 133
rule add from 10.0.0.0/8 to 10.1.0.0/16 iif eth0 lookup 133 priority 100
rule add not from 10.0.0.1 blackhole priority 101
`;
const routes = `default via 172.18.0.1 dev eth0
10.6.0.1 via 172.18.0.5 dev eth0
10.7.0.0/16 via 10.244.1.0 dev eth0 onlink
10.9.0.0/16 via 172.18.0.9 dev eth0 proto 80 metric 50
blackhole 10.245.0.0/16
172.18.0.0/16 dev eth0 proto kernel scope link src 172.18.0.2
`;
const routes133 = "10.8.0.0/16 dev eth0 scope link src 172.18.0.2 mtu 1400\n";
const routes6 = `fd00::/64 dev eth0 proto kernel metric 256 pref medium
fd01::/64 via fd00::9 dev eth0 metric 1024 pref medium
fe80::/64 dev eth0 proto kernel metric 256 pref medium
default via fd00::8 dev eth0 metric 1024 pref medium
`;
const rules = `0:\tfrom all lookup local
100:\tfrom 10.0.0.0/8 to 10.1.0.0/16 iif eth0 lookup 133
101:\tnot from 10.0.0.1 blackhole
32764:\tfrom all fwmark 0x1/0xf lookup 133
32765:\tfrom all fwmark 0x539 lookup 133
32766:\tfrom all lookup main
32767:\tfrom all lookup default
`;
const neighbours = `172.18.0.7 dev eth0 lladdr 02:00:f1:00:00:03 PERMANENT
fd00::7 dev eth0 lladdr 02:00:f1:00:00:04 STALE
`;
const addresses = `1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000
    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
    inet 127.0.0.1/8 scope host lo
       valid_lft forever preferred_lft forever
    inet6 ::1/128 scope host
       valid_lft forever preferred_lft forever
2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default qlen 1000
    link/ether 02:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff
    inet 172.18.0.2/16 scope global eth0
       valid_lft forever preferred_lft forever
    inet6 fd00::1/64 scope global
       valid_lft forever preferred_lft forever
    inet6 fe80::ff:fe00:1/64 scope link
       valid_lft forever preferred_lft forever
`;

function expectShown(ns: NetworkNamespace): void {
  expect(showRoutes(ns, "ipv4")).toBe(routes);
  expect(showRoutes(ns, "ipv4", "133")).toBe(routes133);
  expect(showRoutes(ns, "ipv6")).toBe(routes6);
  expect(showRules(ns, "ipv4")).toBe(rules);
  expect(showNeighbours(ns)).toBe(neighbours);
  expect(showAddresses(ns)).toBe(addresses);
}

test("a namespace is shown as iproute2 shows the real one", () => {
  const ns = namespace();
  runIpBatch(ns, commands, "ip");
  expectShown(ns);
});

test("what iproute2 shows is put back into a namespace", () => {
  const ns = namespace();
  readAddresses(ns, addresses, "addr");
  readRoutes(ns, "ipv4", routes, "route");
  readRoutes(ns, "ipv4", routes133, "route", "133");
  readRoutes(ns, "ipv6", routes6, "route");
  readRules(ns, "ipv4", rules, "rule");
  readNeighbours(ns, neighbours, "neigh");
  expectShown(ns);
});

test("FDB entries of bridges and tunnels are shown and read", () => {
  const ns = namespace();
  runIpBatch(
    ns,
    "addr add 172.18.0.2/16 dev eth0\nlink add flannel.1 type vxlan id 1 dev eth0 local 172.18.0.2 dstport 8472 nolearning\n",
    "ip",
  );
  runBridgeBatch(ns, "fdb add 02:00:f1:00:00:03 dev flannel.1 dst 172.18.0.3 self permanent\n", "bridge");
  const shown = "02:00:f1:00:00:03 dev flannel.1 dst 172.18.0.3 self permanent\n";
  expect(showFdb(ns)).toBe(shown);
  runBridgeBatch(ns, "fdb del 02:00:f1:00:00:03 dev flannel.1\n", "bridge");
  readFdb(ns, `33:33:00:00:00:01 dev eth0 self permanent\n${shown}`, "fdb");
  expect(showFdb(ns)).toBe(shown);
});

test("what the kernel refuses is a problem of its line", () => {
  const read = (): void =>
    runIpBatch(namespace(), "addr add 10.0.0.1/24 dev eth9\nroute add default via 9.9.9.9\nlink frob\n", "node/ip");
  expect(read).toThrow(TextError);
  expect(read).toThrow(/node\/ip:1:1: ENODEV[^]*node\/ip:2:1: ENETUNREACH[^]*node\/ip:3:6: BAD_COMMAND/);
});
