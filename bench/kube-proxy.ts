import { createHash } from "node:crypto";
import {
  type ProxierRestore,
  type RestoreTable,
  formatRestore,
  restoreTables,
} from "../src/iptables/proxier-restore.ts";
import { type IptablesProxierCommand, iptablesProxier } from "../src/iptables/proxier.ts";
import type { ProxyObjects } from "../src/proxy/tracker.ts";
import { benchNode, benchOptions, generatedObjects, generatedSlice } from "./kube-proxy-objects.ts";

/*
 * The rules of one node, as data and as text, for N Services of M endpoints, and after one EndpointSlice changed.
 * Each size runs in a process of its own: `node --expose-gc --import tsx bench/kube-proxy.ts [NxM ...]`.
 * Prints one JSON object a line; times in ms, memory in MB. A node makes the chains of a Service when a packet comes to
 * one, and the rules of those chains for whoever looks at them; `syncMillis` is what a sync takes before that,
 * `rulesMillis` includes every chain, rule, term and owner: the figure to compare with kube-proxy's own. The
 * `...CpuMillis` are what the process used of the CPUs, all threads: on a busy machine they say more than the clock.
 */

function measure(services: number, endpoints: number): Readonly<Record<string, unknown>> {
  const objects = generatedObjects(services, endpoints);
  globalThis.gc?.();
  const inputMegabytes = megabytes();
  const cpu = process.cpuUsage();
  const start = performance.now();
  const { state, commands } = iptablesProxier.sync(objects, benchNode, benchOptions);
  const restore = restoreOf(commands);
  const tables = restoreTables(restore);
  const syncMillis = performance.now() - start;
  const syncCpuMillis = cpuMillis(cpu);
  const made = everything(tables);
  const rulesMillis = performance.now() - start;
  const rulesCpuMillis = cpuMillis(cpu);
  globalThis.gc?.();
  const rulesMegabytes = megabytes();

  const otherNodesMillis = millisOf(() => {
    for (let number = 1; number <= otherNodes; number++) {
      const node = { ...benchNode, name: `node-${String(number).padStart(3, "0")}` };
      restoreTables(restoreOf(iptablesProxier.sync(objects, node, benchOptions).commands));
    }
  });

  const changedMillis: number[] = [];
  let changed = { objects, state };
  for (let round = 0; round < 21; round++) {
    changed = { ...changed, objects: withoutLast(changed.objects, (round * 7919) % services, endpoints - (round % 2)) };
    const before = performance.now();
    const next = iptablesProxier.sync(changed.objects, benchNode, benchOptions, changed.state);
    for (const { bundles } of restoreTables(restoreOf(next.commands))) everything([{ chains: [], bundles }]);
    changedMillis.push(performance.now() - before);
    changed = { ...changed, state: next.state };
  }
  changedMillis.sort((a, b) => a - b);

  const beforeText = performance.now();
  const text = formatRestore(restore);
  const textMillis = performance.now() - beforeText;
  return {
    bench: "kube-proxy",
    size: `${services}x${endpoints}`,
    rules: made.rules,
    syncMillis: round(syncMillis),
    syncCpuMillis,
    rulesMillis: round(rulesMillis),
    rulesCpuMillis,
    furtherNodeMillis: round(otherNodesMillis / otherNodes),
    oneSliceMillisMedian: round(changedMillis[10] ?? 0),
    oneSliceMillisWorst: round(changedMillis[20] ?? 0),
    textMillis: round(textMillis),
    textBytes: text.length,
    sha256: createHash("sha256").update(text).digest("hex").slice(0, 16),
    inputMegabytes,
    rulesMegabytes,
    rssMegabytes: Math.round(process.memoryUsage().rss / 2 ** 20),
  };
}

/** Looks at every chain, rule, term, target and owner. */
function everything(tables: readonly Pick<RestoreTable, "chains" | "bundles">[]): {
  readonly rules: number;
  readonly terms: number;
} {
  let rules = 0;
  let terms = 0;
  for (const { chains, bundles } of tables) {
    for (const part of [chains, ...bundles.map((bundle) => bundle.chains)]) {
      for (const chain of part) {
        for (const { matches, target, owner } of chain.rules) {
          if (target === undefined || owner === undefined) throw new Error("every rule here has both");
          rules++;
          terms += matches.length;
        }
      }
    }
  }
  return { rules, terms };
}

/** Nodes beside the first one: what does not depend on the node is shared. */
const otherNodes = 99;

function millisOf(work: () => void): number {
  const before = performance.now();
  work();
  return performance.now() - before;
}

function restoreOf(commands: readonly IptablesProxierCommand[]): ProxierRestore {
  const restore = commands.find((command) => command.kind === "iptables-restore");
  if (restore === undefined) throw new Error("a sync with changes gives rules");
  return restore.restore;
}

/** The same objects with the slice at `index` cut to `count` endpoints: one object is new, as after an edit. */
function withoutLast(objects: ProxyObjects, index: number, count: number): ProxyObjects {
  const name = objects.services[index]?.metadata.name ?? "";
  const slice = generatedSlice(name, index * count, Math.max(1, count - 1));
  return { ...objects, endpointSlices: objects.endpointSlices.with(index, slice) };
}

function megabytes(): number {
  return Math.round(process.memoryUsage().heapUsed / 2 ** 20);
}

function cpuMillis(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return round((user + system) / 1000);
}

function round(millis: number): number {
  return Math.round(millis * 100) / 100;
}

const sizes = process.argv.length > 2 ? process.argv.slice(2) : ["1000x10", "10000x10"];
for (const size of sizes) {
  const [services = 0, endpoints = 0] = size.split("x").map(Number);
  console.log(JSON.stringify(measure(services, endpoints)));
}
