import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { type ReplayFlow, replay } from "../../src/sim/replay.ts";
import { parseTopology } from "../../src/topology/topology.ts";
import { type GoldenFlow, differences, recordedBranch } from "../kernel/golden-compare.ts";
import { readFolder } from "../kernel/read-topology.ts";

const folder = resolve(import.meta.dirname, "../referee/kernel/ipvs");
const golden = (JSON.parse(readFileSync(join(folder, "golden.json"), "utf8")) as { flows: GoldenFlow[] }).flows;

// kube-proxy's IPVS mode, recorded on Linux 6.12 with iptables-legacy (test/referee/README.md).
describe("IPVS on the real kernel", () => {
  let replayed: ReadonlyMap<string, ReplayFlow> | undefined;

  function flow(name: string): ReplayFlow {
    if (replayed === undefined) {
      const topology = parseTopology(readFolder(join(folder, "topology")));
      replayed = new Map(replay(topology, { chance: recordedBranch(golden) }).map((own) => [own.name, own]));
    }
    return replayed.get(name) as ReplayFlow;
  }

  test.for(golden)("$name goes as on the real kernel", (recorded) => {
    const found = differences(recorded, flow(recorded.name));
    expect(found, found.join("\n    ")).toEqual([]);
  });
});
