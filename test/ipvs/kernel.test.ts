import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import type { Ipvs } from "../../src/ipvs/ipvs.ts";
import { runIpvsadm } from "../../src/ipvs/ipvsadm.ts";
import { createIpvs } from "../../src/ipvs/netns.ts";
import { type ReplayFlow, replay } from "../../src/sim/replay.ts";
import type { BuiltNamespace } from "../../src/topology/build.ts";
import { parseTopology } from "../../src/topology/topology.ts";
import { type GoldenFlow, differences, recordedBranch } from "../kernel/golden-compare.ts";
import { readFolder } from "../kernel/read-topology.ts";

const folder = resolve(import.meta.dirname, "../referee/kernel/ipvs");
const golden = (JSON.parse(readFileSync(join(folder, "golden.json"), "utf8")) as { flows: GoldenFlow[] }).flows;

/** The recorder counts a packet that IPVS sends on by OUTPUT as a new one: its addresses have changed. */
function atReinjection(packet: ReplayFlow["trace"][string][number]): ReplayFlow["trace"][string] {
  const at = packet.steps.findIndex((step, index) => index > 0 && step.startsWith("raw:OUTPUT"));
  const [first = "", text = ""] = packet.steps[at]?.split(" | ") ?? [];
  if (at < 0) return [packet];
  return [
    { at: packet.at, steps: packet.steps.slice(0, at) },
    { at: text, steps: [first, ...packet.steps.slice(at + 1)] },
  ];
}

// kube-proxy's IPVS mode, recorded on Linux 6.12 with iptables-legacy (test/referee/README.md).
describe("IPVS on the real kernel", () => {
  let replayed: ReadonlyMap<string, ReplayFlow> | undefined;

  function flow(name: string): ReplayFlow {
    if (replayed === undefined) {
      const nodes = new Map<BuiltNamespace, Ipvs>();
      const execute = (built: BuiltNamespace, line: string): boolean => {
        if (!line.startsWith("ipvsadm ")) return false;
        const ipvs = nodes.get(built) ?? createIpvs(built.namespace, built.iptables);
        nodes.set(built, ipvs);
        runIpvsadm(ipvs.table, line);
        return true;
      };
      const topology = parseTopology(readFolder(join(folder, "topology")));
      replayed = new Map(replay(topology, { chance: recordedBranch(golden), execute }).map((own) => [own.name, own]));
    }
    const own = replayed.get(name) as ReplayFlow;
    const trace = Object.entries(own.trace).map(([namespace, packets]) => [namespace, packets.flatMap(atReinjection)]);
    return { ...own, trace: Object.fromEntries(trace) as ReplayFlow["trace"] };
  }

  test.for(golden)("$name goes as on the real kernel", (recorded) => {
    const found = differences(recorded, flow(recorded.name));
    expect(found, found.join("\n    ")).toEqual([]);
  });
});
