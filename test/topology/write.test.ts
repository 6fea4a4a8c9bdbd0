import { readFileSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { printRuleset } from "../../src/iptables/print.ts";
import { seededChance } from "../../src/kernel/chance.ts";
import { EventQueue } from "../../src/kernel/clock.ts";
import type { NetworkNamespace } from "../../src/kernel/namespace.ts";
import { Network } from "../../src/kernel/network.ts";
import { kernelProfiles } from "../../src/kernel/profile.ts";
import { planOf } from "../../src/lab/plan.ts";
import { parseScenario } from "../../src/scenario/parse.ts";
import { worldOf } from "../../src/scenario/probe.ts";
import { readScenarioInput } from "../../src/scenario/run.ts";
import { buildTopology } from "../../src/topology/build.ts";
import { showAddresses, showFdb, showRoutes, showRules } from "../../src/topology/show.ts";
import { parseTopology } from "../../src/topology/topology.ts";
import { writeLinks, writeNamespace } from "../../src/topology/write.ts";
import { Recorder } from "../../src/trace/recorder.ts";

/* The way out and back in: what is written of a world builds the same namespaces again. */

const folder = resolve(import.meta.dirname, "../../scenarios");
const readFile = (name: string): { name: string; text: string } => ({ name, text: readFileSync(name, "utf8") });

test.for(readdirSync(folder).filter((name) => name.endsWith(".yaml")))(
  "%s, written as a folder and read again",
  (name) => {
    const source = readFile(join(folder, name));
    const parsed = parseScenario(source.name, source.text);
    if ("problems" in parsed) throw new Error(name);
    const input = readScenarioInput(source, parsed, readFile);
    if ("problems" in input) throw new Error(name);
    const plan = planOf(worldOf(input, { level: "off" }));
    const files = new Map([["links", writeLinks(plan.map(({ ns }) => ns))]]);
    for (const { ns, iptables } of plan)
      for (const [file, text] of writeNamespace(ns, iptables)) files.set(`${ns.name}/${file}`, text);
    const clock = new EventQueue();
    const network = new Network(clock);
    const built = buildTopology(parseTopology(files), {
      network,
      surroundings: {
        clock,
        chance: seededChance(1),
        wire: network,
        recorder: new Recorder("off", () => 0),
        profile: kernelProfiles["6.18"],
      },
    });
    for (const { ns, iptables } of plan) {
      const again = built.get(ns.name);
      expect(again && shown(again.namespace)).toEqual(shown(ns));
      if (iptables !== undefined)
        expect(again && printRuleset(again.iptables.ruleset("ipv4"))).toBe(printRuleset(iptables.ruleset("ipv4")));
    }
  },
);

/** Devices, static entries and IPv6 routes in the order of their text: which came first is not written. */
function shown(ns: NetworkNamespace): readonly string[] {
  const devices = showAddresses(ns)
    .replace(/^\d+: ([^:@\s]+)(@\S+)?:/gm, "\0$1:")
    .split("\0")
    .sort();
  const sorted = (text: string): readonly string[] => text.split("\n").sort();
  const v6 = sorted(showRoutes(ns, "ipv6"));
  return [...devices, showRoutes(ns, "ipv4"), ...v6, showRules(ns, "ipv4"), ...sorted(showFdb(ns))];
}
