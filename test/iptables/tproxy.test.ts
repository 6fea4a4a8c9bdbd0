import { expect, test } from "vitest";
import { replay } from "../../src/sim/replay.ts";
import { parseTopology } from "../../src/topology/topology.ts";

/*
 * What Linux 6.18 did with these rules, on a router with a transparent listener on port 15001 and an ordinary one on
 * 15002, for TCP connections from a host behind it.
 */

function connect(rule: string, to: string): string | undefined {
  const folder = new Map([
    ["links", "r:r0 a:a0\nr:d0 b:d1\n"],
    ["a/ip", "addr add 10.1.0.2/24 dev a0\nroute add default via 10.1.0.1\n"],
    [
      "r/ip",
      "addr add 10.1.0.1/24 dev r0\naddr add 10.2.0.1/24 dev d0\nrule add fwmark 0x1/0x1 lookup 100\nroute add local default dev lo table 100\n",
    ],
    ["r/sysctl", "net.ipv4.ip_forward=1\n"],
    ["r/listen", "tcp 15001 transparent\ntcp 15002\n"],
    ["r/iptables", `*mangle\n-A PREROUTING ${rule}\nCOMMIT\n`],
    ["flows", `flow a tcp ${to} timeout=2\n`],
  ]);
  return replay(parseTopology(folder))[0]?.result;
}

const tproxy = (port: number): string => `-p tcp --dport 80 -j TPROXY --on-port ${port} --tproxy-mark 0x1/0x1`;

test.for([
  ["a transparent socket gets what is addressed to others", tproxy(15_001), "10.2.0.9:80", "connected"],
  ["without a transparent socket it is dropped", tproxy(15_002), "10.2.0.9:80", "timeout"],
  ["a socket of no address is not looked at", "-p tcp --syn -m socket -j DROP", "10.1.0.1:15002", "connected"],
  ["unless it is asked for", "-p tcp --syn -m socket --nowildcard -j DROP", "10.1.0.1:15002", "timeout"],
  ["also where the packet only passes by", "-p tcp --syn -m socket --nowildcard -j DROP", "10.2.0.9:15002", "timeout"],
  [
    "the socket of a connection has an address",
    "-p tcp ! --syn -m socket -j DROP",
    "10.1.0.1:15002",
    "connected-no-answer",
  ],
  [
    "and is transparent as the listener was",
    "-p tcp --syn -m socket --nowildcard --transparent -j DROP",
    "10.1.0.1:15001",
    "timeout",
  ],
  ["or not", "-p tcp --syn -m socket --nowildcard --transparent -j DROP", "10.1.0.1:15002", "connected"],
] as const)("%s: %s", ([, rule, to, result]) => {
  expect(connect(rule, to)).toBe(result);
});
