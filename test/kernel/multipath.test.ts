import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { replay } from "../../src/sim/replay.ts";
import { runIpBatch } from "../../src/topology/ip-batch.ts";
import { readIpDumps } from "../../src/topology/dumps.ts";
import { showRoutes, showRules } from "../../src/topology/show.ts";
import { parseTopology } from "../../src/topology/topology.ts";
import { writeIp } from "../../src/topology/write.ts";
import type { Choice, Flow } from "../../src/trace/records.ts";
import { emptyLab, link } from "./cluster.ts";
import { readRecorded } from "./recorded.ts";

const { files } = readRecorded(join(import.meta.dirname, "recorded/multipath.txt"));

function choicesOf(flows: readonly Flow[]): Choice[] {
  return flows
    .flatMap(({ packets }) => packets.flatMap(({ hops }) => hops.flatMap(({ steps }) => steps)))
    .flatMap(({ choice }) => choice ?? []);
}

test("which next hop a multipath route takes is a choice with the odds of the weights, and can be pinned", () => {
  const topology = parseTopology(new Map([...files, ["flows", "one a tcp 10.9.8.1:8080 sport=41001 timeout=0.1"]]));
  const met: Choice[] = [];
  replay(topology, { recorded: (_line, flows) => void met.push(...choicesOf(flows)) });
  // group 1,3/2 of nexthop objects: weights 3 and 1, ip-nexthop(8).
  expect(met[0]).toMatchObject({
    id: "r/route/10.9.8.0/24/10.0.1.2>10.9.8.1 6 41001 8080",
    options: [
      { label: "via 10.0.2.2 dev lb", probability: 0.75 },
      { label: "via 10.0.3.2 dev lc", probability: 0.25 },
    ],
  });
  for (const [option, device] of [
    [0, "lb"],
    [1, "lc"],
  ] as const) {
    const [flow] = replay(topology, { pins: { [met[0]?.id ?? ""]: option } });
    expect(flow?.wire.some((line) => line.startsWith(`r ${device} out`))).toBe(true);
  }
});

test("packets of one connection hash alike: they take the same next hop", () => {
  const flows = readFileSync(join(import.meta.dirname, "recorded/multipath.txt"), "utf8").match(/^f\d .*$/gm) ?? [];
  const topology = parseTopology(new Map([...files, ["flows", flows.join("\n")]]));
  // Recorded: some of these connections went to b and some to c; each was answered, so none changed its way.
  expect(replay(topology).map(({ result }) => result)).toEqual(flows.map(() => "connected"));
});

/** Printed by iproute2 6.1 on Linux 6.18 for the commands below. */
const shown = `10.0.0.0/24 dev v0 proto kernel scope link src 10.0.0.1
10.0.1.0/24 dev v1 proto kernel scope link src 10.0.1.1
10.9.0.0/16 via 10.0.1.3 dev v1
10.9.0.0/16 via 10.0.0.2 dev v0
10.9.0.0/16 via 10.0.1.2 dev v1
10.10.0.0/16
\tnexthop via 10.0.0.2 dev v0 weight 3
\tnexthop via 10.0.1.2 dev v1 weight 1
10.11.0.0/16 nhid 10
\tnexthop via 10.0.0.2 dev v0 weight 3
\tnexthop via 10.0.1.2 dev v1 weight 1
10.12.0.0/16 nhid 1 via 10.0.0.2 dev v0
10.15.0.0/16 via 10.0.0.2 dev v0 mtu lock 1400
`;
const commands = `route add 10.9.0.0/16 via 10.0.0.2
route append 10.9.0.0/16 via 10.0.1.2
route prepend 10.9.0.0/16 via 10.0.1.3
route add 10.10.0.0/16 nexthop via 10.0.0.2 weight 3 nexthop via 10.0.1.2 dev v1
nexthop add id 1 via 10.0.0.2 dev v0
nexthop add id 2 via 10.0.1.2 dev v1
nexthop add id 10 group 1,3/2
route add 10.11.0.0/16 nhid 10
route add 10.12.0.0/16 nhid 1
route add 10.15.0.0/16 via 10.0.0.2 mtu lock 1400
rule add from 10.0.0.0/8 table 100 suppress_prefixlength 0
rule add goto 32000 pref 100
rule add pref 97 iif lo oif v0 nop
`;

function twoLinks(): ReturnType<ReturnType<typeof emptyLab>["ns"]> {
  const lab = emptyLab();
  link(lab, "n:v0=02:00:00:00:00:01 m:v0=02:00:00:00:00:02");
  link(lab, "n:v1=02:00:00:00:00:03 m:v1=02:00:00:00:00:04");
  const ns = lab.ns("n");
  runIpBatch(ns, "addr add 10.0.0.1/24 dev v0\naddr add 10.0.1.1/24 dev v1\n", "ip");
  return ns;
}

test("routes are shown as iproute2 shows them, and read back from its output", () => {
  const ns = twoLinks();
  runIpBatch(ns, commands, "ip");
  expect(showRoutes(ns, "ipv4")).toBe(shown);
  expect(showRules(ns, "ipv4").split("\n").slice(1, 4)).toEqual([
    "97:\tfrom all iif lo oif v0 nop",
    "100:\tfrom all goto 32000",
    "32765:\tfrom 10.0.0.0/8 lookup 100 suppress_prefixlength 0",
  ]);
  const again = twoLinks();
  readIpDumps(again, "n", new Map([["ip-route", shown.replaceAll(/^10\.9\..*\n/gm, "")]]));
  expect(showRoutes(again, "ipv4")).toBe(shown.replaceAll(/^10\.9\..*\n/gm, ""));
});

test("what is written makes the same routes and rules again", () => {
  const ns = twoLinks();
  runIpBatch(ns, commands, "ip");
  const again = twoLinks();
  const written = writeIp(ns).replaceAll(/^(?:address|link) .*\n/gm, "");
  runIpBatch(again, written, "ip");
  expect(showRoutes(again, "ipv4")).toBe(shown.replaceAll(/ nhid \d+/g, ""));
  expect(showRules(again, "ipv4")).toBe(showRules(ns, "ipv4"));
});

// Linux 6.18: `ip -6 route add` of a second next hop is refused (File exists), `append` joins the two.
test("IPv6 takes a second next hop by append only, as one multipath route", () => {
  const ns = twoLinks();
  runIpBatch(ns, "addr add fd00::1/64 dev v0\naddr add fd01::1/64 dev v1\nroute add fd09::/64 via fd00::2\n", "ip");
  expect(() => runIpBatch(ns, "route add fd09::/64 via fd01::2", "ip")).toThrow(/EEXIST|exists/);
  runIpBatch(ns, "route append fd09::/64 via fd01::2", "ip");
  expect(showRoutes(ns, "ipv6")).toContain(
    "fd09::/64 metric 1024 pref medium\n\tnexthop via fd00::2 dev v0 weight 1\n\tnexthop via fd01::2 dev v1 weight 1\n",
  );
});
