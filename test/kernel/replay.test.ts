import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { type ReplayFlow, replay } from "../../src/sim/replay.ts";
import { parseTopology } from "../../src/topology/topology.ts";
import { type GoldenFlow, differences, recordedBranch } from "./golden-compare.ts";
import { readFolder } from "./read-topology.ts";

/** Recorded on Linux 6.18 with iptables-legacy; test/referee/README.md, section kernel. */
const cases = ["hostgw", "vxlan", "brnf0", "nohairpin", "invalid", "kp-iptables", "mtu", "mtu-blackhole", "ipv6"];
const folder = resolve(import.meta.dirname, "../referee/kernel");

/**
 * Flows that do not agree, with the reason. They are run as tests that must fail: one that agrees some day, or a
 * new one that differs, shows itself.
 */
const order =
  "on the recorder a segment's whole way, and the ICMP error or ACK it brings back, is done before the next segment of the same send leaves; here both segments leave at once, as on a link with latency";
const deviations: Readonly<Record<string, string>> = {
  "mtu/tcp-direct": order,
  "mtu/tcp-cached": order,
  "mtu/tcp-vip": order,
  "mtu/tcp-np-ext": order,
  "mtu/tcp-node1-vip": order,
  "mtu/tcp-reverse": order,
  "mtu-blackhole/tcp-np-ext":
    "a retransmission of an earlier flow falls into this one: when flows began was not recorded",
};

describe.for(cases)("%s", (name) => {
  const golden = (JSON.parse(readFileSync(join(folder, name, "golden.json"), "utf8")) as { flows: GoldenFlow[] }).flows;
  let replayed: ReadonlyMap<string, ReplayFlow> | undefined;

  function flow(wanted: string): ReplayFlow {
    if (replayed === undefined) {
      const topology = parseTopology(readFolder(join(folder, name, "topology")));
      const flows = replay(topology, { chance: recordedBranch(golden) });
      replayed = new Map(flows.map((own) => [own.name, own]));
    }
    return replayed.get(wanted) as ReplayFlow;
  }

  const known = golden.filter((recorded) => `${name}/${recorded.name}` in deviations);

  test.for(golden.filter((recorded) => !known.includes(recorded)))("$name goes as on the real kernel", (recorded) => {
    const found = differences(recorded, flow(recorded.name));
    expect(found, found.join("\n    ")).toEqual([]);
  });

  for (const recorded of known) {
    test.fails(`${recorded.name} differs: ${deviations[`${name}/${recorded.name}`]}`, () => {
      expect(differences(recorded, flow(recorded.name))).toEqual([]);
    });
  }
});
