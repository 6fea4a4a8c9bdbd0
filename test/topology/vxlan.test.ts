import { expect, test } from "vitest";
import { runBridgeBatch, runIpBatch } from "../../src/topology/ip-batch.ts";
import { readIpDumps } from "../../src/topology/dumps.ts";
import { showFdb } from "../../src/topology/show.ts";
import { writeNamespace } from "../../src/topology/write.ts";
import { emptyLab } from "../kernel/cluster.ts";

// ip-link(8), section vxlan: the options, and what iproute2 6.1 shows of them (`ip -d addr`).
const commands = [
  "link add vx1 address 02:00:10:00:00:01 mtu 1450 type vxlan id 10 dev eth0 group 239.1.1.1 dstport 8472 ageing 60 learning",
  "link add vx2 address 02:00:20:00:00:01 mtu 1450 type vxlan id 20 local 10.0.0.1 srcport 5000 5001 dstport 4789 ttl 7 df set nolearning",
  "link add vx3 address 02:00:30:00:00:01 mtu 1450 type vxlan id 30 local 10.0.0.1 dstport 8472 ttl inherit nolearning",
].join("\n");
const shown = `1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000
2: eth0@if3: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default qlen 1000
    link/ether 02:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff
4: vx1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue state UNKNOWN group default qlen 1000
    link/ether 02:00:10:00:00:01 brd ff:ff:ff:ff:ff:ff promiscuity 0 minmtu 68 maxmtu 65535
    vxlan id 10 group 239.1.1.1 dev eth0 srcport 0 0 dstport 8472 ttl auto ageing 60 udpcsum noudp6zerocsumtx
5: vx2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue state UNKNOWN group default qlen 1000
    link/ether 02:00:20:00:00:01 brd ff:ff:ff:ff:ff:ff promiscuity 0 minmtu 68 maxmtu 65535
    vxlan id 20 local 10.0.0.1 srcport 5000 5001 dstport 4789 nolearning ttl 7 df set ageing 300 udpcsum
6: vx3: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue state UNKNOWN group default qlen 1000
    link/ether 02:00:30:00:00:01 brd ff:ff:ff:ff:ff:ff promiscuity 0 minmtu 68 maxmtu 65535
    vxlan id 30 local 10.0.0.1 srcport 0 0 dstport 8472 nolearning ttl inherit ageing 300 udpcsum
`;

test("options of VXLAN devices are written as they were read, from commands and from dumps", () => {
  const made = emptyLab().ns("n");
  runIpBatch(made, `link add eth0 type dummy\n${commands}`, "ip");
  const wanted = commands.split("\n");
  expect(vxlanLines(made)).toEqual(wanted);
  const dumped = emptyLab().ns("n");
  runIpBatch(dumped, "link add eth0 type dummy", "ip");
  readIpDumps(dumped, "n", new Map([["ip-addr", shown]]));
  expect(vxlanLines(dumped)).toEqual(wanted);
});

function vxlanLines(ns: ReturnType<ReturnType<typeof emptyLab>["ns"]>): string[] {
  return (writeNamespace(ns).get("ip") ?? "").split("\n").filter((line) => line.includes("type vxlan"));
}

test("several remote ends of one address are appended, shown and written", () => {
  const ns = emptyLab().ns("n");
  runIpBatch(ns, "link add vx3 type vxlan id 30 local 10.0.0.1", "ip");
  const fdb = "fdb append 00:00:00:00:00:00 dev vx3 dst 10.0.0.2\nfdb append 00:00:00:00:00:00 dev vx3 dst 10.0.0.3\n";
  runBridgeBatch(ns, fdb, "bridge");
  expect(showFdb(ns)).toBe(
    "00:00:00:00:00:00 dev vx3 dst 10.0.0.2 self permanent\n00:00:00:00:00:00 dev vx3 dst 10.0.0.3 self permanent\n",
  );
  expect(
    writeNamespace(ns)
      .get("bridge")
      ?.match(/fdb append/g),
  ).toHaveLength(2);
});
