import { join } from "node:path";
import { expect, test } from "vitest";
import { TextError } from "../../src/iptables/text-error.ts";
import { replay } from "../../src/sim/replay.ts";
import { type TopologyFiles, parseTopology } from "../../src/topology/topology.ts";
import { readFolder } from "../kernel/read-topology.ts";

const vxlan = readFolder("test/referee/kernel/vxlan/topology");
/** What Linux 6.18 and iproute2 6.1 printed of node1 of this case; its devices ended in xeth0, ... in the same namespace. */
const dump = readFolder(join(import.meta.dirname, "node1-dump"));

/** The case with node1's commands replaced by the dumps of the node that they made. */
function withDumps(changes: Readonly<Record<string, string>> = {}): TopologyFiles {
  const kept = [...vxlan].filter(([path]) => !["node1/ip", "node1/bridge", "node1/sysctl"].includes(path));
  const own = [...dump].map(([file, text]): [string, string] => [`node1/${file}`, changes[file] ?? text]);
  const links = (vxlan.get("links") ?? "").replaceAll(/(node1:\w+)=\S+/g, "$1");
  return new Map([...kept, ...own, ["links", links]]);
}

test("a node of dumps carries every flow as the node of commands does", () => {
  const expected = replay(parseTopology(vxlan));
  expect(expected.length).toBeGreaterThan(30);
  expect(replay(parseTopology(withDumps()))).toEqual(expected);
});

test("what a dump says of something that is not modelled is a problem of its line", () => {
  const files = withDumps({ "ip-route": "default via 172.18.0.1 dev eth0\n10.9.0.0/16 encap mpls 100 dev eth0\n" });
  const run = (): unknown => replay(parseTopology(files));
  expect(run).toThrow(TextError);
  expect(run).toThrow("node1/ip-route:2:");
});

test("all next hops of a multipath route are read (here the first is taken), and routes that the kernel makes itself are left out", () => {
  const routes =
    "default proto static\n\tnexthop via 172.18.0.1 dev eth0 weight 1\n\tnexthop via 172.18.0.9 dev eth0 weight 1\n" +
    "10.244.1.0/24 via 10.244.1.0 dev flannel.1 onlink\nlocal 10.0.0.9 dev lo table local proto kernel scope host\n";
  const files = withDumps({ "ip-route": routes });
  const options = {
    only: ({ name }: { readonly name: string }) => name === "pod-ext" || name === "ping-vip",
    chance: { choose: () => 0, integer: () => 0 },
  };
  expect(replay(parseTopology(files), options)).toEqual(replay(parseTopology(vxlan), options));
  const other = replay(parseTopology(files), { ...options, chance: { choose: () => 1, integer: () => 0 } });
  expect(other.map(({ result }) => result)).toContain("icmp-3-1");
});
