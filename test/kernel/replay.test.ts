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

  test.for(golden)("$name goes as on the real kernel", (recorded) => {
    const found = differences(recorded, flow(recorded.name));
    expect(found, found.join("\n    ")).toEqual([]);
  });
});
