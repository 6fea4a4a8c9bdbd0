import { join } from "node:path";
import { expect, test } from "vitest";
import { TextError } from "../../src/iptables/text-error.ts";
import { type ReplayFlow, replay } from "../../src/sim/replay.ts";
import { type TopologyFiles, parseTopology } from "../../src/topology/topology.ts";
import { readFolder } from "../kernel/read-topology.ts";

/*
 * What Linux 6.18, iproute2 6.1, iptables 1.8.9 and ipset 7.17 printed of a namespace with what else stands on a node:
 * macvlan, macvtap, tun, tap, ifb, a VXLAN device for eBPF, veths whose other ends are somewhere, an alias, an altname, a
 * peer address, a neighbour that failed, sets that time out, counters, the warning of the nft variant.
 */
const dump = readFolder(join(import.meta.dirname, "odd-node"));

const pod = (last: number): string => `addr add 10.244.0.${last}/24 dev eth0\nroute add default via 10.244.0.1\n`;

function folder(flows: string, changes: Readonly<Record<string, string>> = {}): TopologyFiles {
  return new Map([
    ...[...dump].map(([file, text]): [string, string] => [`node1/${file}`, changes[file] ?? text]),
    [
      "links",
      "node1:eth0 sw:node1\nnode1:vethp1a pa:eth0=02:00:0a:f4:00:02\nnode1:vethp1b pb:eth0=02:00:0a:f4:00:03\n",
    ],
    ["sw/ip", "link add br0 type bridge\nlink set node1 master br0\nlink set br0 up\naddr add 172.18.0.1/16 dev br0\n"],
    ["pa/ip", pod(2)],
    ["pb/ip", pod(3)],
    ["pa/listen", "tcp 8080\n"],
    ["pb/listen", "tcp 8080\n"],
    ["flows", flows],
  ]);
}

function run(flow: string): ReplayFlow {
  return replay(parseTopology(folder(`flow ${flow}\n`)))[0] as ReplayFlow;
}

test.for([
  ["pa tcp 10.244.0.3:8080", "connected"],
  ["sw tcp 172.18.0.2:8081", "connected"],
  ["pa icmp 10.244.64.3 timeout=0.5", "timeout"],
] as const)("%s crosses what is known: %s", ([flow, expected]) => {
  expect(run(flow).result).toBe(expected);
});

test.for([
  ["pa tcp 10.9.0.7:80", "tun0 of node1 is a tun device, and what is behind it is not modelled"],
  ["pa icmp 10.244.7.5", "it is not known what cali12345678901 of node1 is connected to"],
  ["pa udp 10.10.0.1:53", "cilium_vxlan of node1 is a vxlan device, and what is behind it is not modelled"],
  ["node1 icmp 192.168.77.9", "mv0 of node1 is a macvlan device, and what is behind it is not modelled"],
] as const)("%s leaves the model", ([flow, reason]) => {
  expect(run(flow)).toMatchObject({ result: "unknown", unknownBecause: [`The packet leaves the model: ${reason}.`] });
});

test.for([
  ["ip-addr", '[{"ifindex":1,"ifname":"lo"}]\n', "print it without -j"],
  ["ip-addr", "1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever\n", "print it without -j, -o"],
  ["ip-rule", '[{"priority":0,"src":"all","table":"local"}]\n', "print it without -j"],
  ["ip-neigh", '[{"dst":"172.18.0.9","dev":"eth0"}]\n', "print it without -j"],
  ["bridge-fdb", '[{"mac":"33:33:00:00:00:01"}]\n', "print it without -j"],
  ["ip-route", '[{"dst":"default","gateway":"172.18.0.1"}]\n', "is not a destination"],
  ["ip-nexthop", "id 1 via 172.18.0.1 dev eth0\n", "a namespace has no file ip-nexthop"],
] as const)("%s in another shape is refused where it begins", ([file, text, hint]) => {
  const files = new Map([...folder(""), [`node1/${file}`, text]]);
  const read = (): unknown => replay(parseTopology(files));
  expect(read).toThrow(TextError);
  expect(read).toThrow(`node1/${file}:1:`);
  expect(read).toThrow(hint);
});
