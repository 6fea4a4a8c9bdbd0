import { expect, test } from "vitest";
import { readIpDumps } from "../../src/topology/dumps.ts";
import { runIpBatch } from "../../src/topology/ip-batch.ts";
import { showAddresses } from "../../src/topology/show.ts";
import { writeNamespace } from "../../src/topology/write.ts";
import { emptyLab } from "../kernel/cluster.ts";

// What iproute2 6.1 on Linux 6.1 shows of these devices (`ip -d addr`). tunl0 is the module's own.
const commands = `link add t9 type ipip local 10.0.0.1 ttl 64
link add t8 type ipip remote 10.0.0.2 ttl inherit nopmtudisc
`;
const shown = `1: lo: <LOOPBACK> mtu 65536 qdisc noop state DOWN group default qlen 1000
    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00 promiscuity 0  allmulti 0 minmtu 0 maxmtu 0 numtxqueues 1 numrxqueues 1 gso_max_size 65536 gso_max_segs 65535
2: tunl0@NONE: <NOARP> mtu 1480 qdisc noop state DOWN group default qlen 1000
    link/ipip 0.0.0.0 brd 0.0.0.0 promiscuity 0  allmulti 0 minmtu 0 maxmtu 0
    ipip any remote any local any ttl inherit nopmtudisc numtxqueues 1 numrxqueues 1 gso_max_size 65536 gso_max_segs 65535
3: t9@NONE: <NOARP> mtu 1480 qdisc noop state DOWN group default qlen 1000
    link/ipip 10.0.0.1 brd 0.0.0.0 promiscuity 0  allmulti 0 minmtu 0 maxmtu 0
    ipip any remote any local 10.0.0.1 ttl 64 pmtudisc numtxqueues 1 numrxqueues 1 gso_max_size 65536 gso_max_segs 65535
4: t8@NONE: <POINTOPOINT,NOARP> mtu 1480 qdisc noop state DOWN group default qlen 1000
    link/ipip 0.0.0.0 peer 10.0.0.2 promiscuity 0  allmulti 0 minmtu 0 maxmtu 0
    ipip any remote 10.0.0.2 local any ttl inherit nopmtudisc numtxqueues 1 numrxqueues 1 gso_max_size 65536 gso_max_segs 65535
`;

test("IPIP devices are shown as iproute2 shows them, and read from that", () => {
  const made = emptyLab().ns("n");
  runIpBatch(made, `link add tunl0 type ipip\n${commands}`, "ip");
  // Without what only `-d` prints.
  const tunnels = (text: string): string[] =>
    text.split("\n").flatMap((line) => /^(?:\d+: t.*|    link\/ipip .*?)(?= promiscuity|$)/.exec(line) ?? []);
  expect(tunnels(showAddresses(made))).toEqual(tunnels(shown));
  const dumped = emptyLab().ns("n");
  readIpDumps(dumped, "n", new Map([["ip-addr", shown]]));
  const lines = (ns: typeof made): string[] =>
    (writeNamespace(ns).get("ip") ?? "").split("\n").filter((line) => line.includes("type ipip"));
  expect(lines(dumped)).toEqual(lines(made));
  expect(lines(made)).toEqual([
    "link add tunl0 mtu 1480 type ipip ttl inherit nopmtudisc",
    "link add t9 mtu 1480 type ipip local 10.0.0.1 ttl 64 pmtudisc",
    "link add t8 mtu 1480 type ipip remote 10.0.0.2 ttl inherit nopmtudisc",
  ]);
});
