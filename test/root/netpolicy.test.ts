import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Cluster } from "../../src/cluster/cluster.ts";
import { applyRestore, emptyRuleset } from "../../src/iptables/apply.ts";
import { IpSets } from "../../src/iptables/ipset/store.ts";
import { saveSets } from "../../src/iptables/ipset/text.ts";
import { printRuleset } from "../../src/iptables/print.ts";
import { loadSets } from "../../src/netpolicy/apply.ts";
import { compilePolicies } from "../../src/netpolicy/compile.ts";
import { casesOf, viewOf } from "../netpolicy/cases.ts";
import { cluster, node } from "../netpolicy/objects.ts";
import { type Command, TestNamespace, skipReason } from "./network-namespace.ts";

/* The compiled policies of every e2e state, loaded by the real iptables-restore and ipset into a real kernel. */

const namespace = new TestNamespace(`khop-netpol-${process.pid}`);
const backends = ["iptables-legacy", "iptables-nft"] as const;
const reason = skipReason(
  "test/root/netpolicy.test.ts",
  ["ipset", ...backends].map((tool) => [tool, "--version"]),
);

const nodeA = node("node", "192.168.0.1", "10.244.1.0/24");
const cases = casesOf("test/referee/netpol/e2e").map((one) => {
  const { view } = viewOf(one);
  const all: Cluster = cluster({ ...view, nodes: [nodeA] });
  const compiled = compilePolicies(all, nodeA, "ipv4");
  return { name: one.case.name, compiled };
});

/** Rules by chain, in order; counters and the order of chains left out. */
function rulesIn(save: string): Record<string, string[]> {
  const chains: Record<string, string[]> = {};
  for (const line of save.split("\n")) {
    const rule = /^-A (\S+)/.exec(line);
    if (rule?.[1] !== undefined) (chains[rule[1]] ??= []).push(line);
  }
  return chains;
}

/** Elements per set, sorted; what the kernel adds to `create` left out. */
function elementsIn(save: string): string[] {
  return save
    .split("\n")
    .filter((line) => line.startsWith("add "))
    .sort();
}

describe.skipIf(reason !== undefined)("the kernel takes the compiled policies and gives them back as they are", () => {
  beforeAll(() => namespace.make());
  afterAll(() => namespace.delete());

  test.for(cases)("$name", ({ compiled }) => {
    if (compiled === undefined) return;
    const sets = new IpSets();
    loadSets(sets, compiled);
    const text = printRuleset(applyRestore(emptyRuleset("ipv4"), compiled.rules));
    const flushed = (backend: string): Command => ({ words: [`${backend}-restore`], input: "*filter\nCOMMIT\n" });
    const outputs = namespace.mustRunAll([
      ...backends.map(flushed),
      { words: ["ipset", "destroy"] },
      { words: ["ipset", "restore"], input: saveSets(sets) },
      ...backends.flatMap((backend) => [
        { words: [`${backend}-restore`], input: text },
        { words: [`${backend}-save`, "-t", "filter"] },
        flushed(backend),
      ]),
      { words: ["ipset", "save"] },
    ]);
    const [legacy = "", nft = ""] = outputs.filter((output) => output.includes("*filter"));
    expect(rulesIn(legacy), "iptables-legacy").toEqual(rulesIn(text));
    expect(rulesIn(nft), "iptables-nft").toEqual(rulesIn(text));
    expect(elementsIn(outputs.at(-1) ?? "")).toEqual(elementsIn(saveSets(sets)));
  });
});
