import { execFileSync } from "node:child_process";
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

/* The compiled policies of every e2e state, loaded by the real iptables-restore and ipset into a real kernel. */

const namespace = `khop-netpol-${process.pid}`;
const backends = ["iptables-legacy", "iptables-nft"] as const;

function run(command: string, args: readonly string[], input?: string): string {
  return execFileSync("ip", ["netns", "exec", namespace, command, ...args], {
    encoding: "utf8",
    stdio: ["pipe", "pipe", "pipe"],
    ...(input !== undefined && { input }),
  });
}

function whyNot(): string | undefined {
  if (process.getuid?.() !== 0) return "needs root";
  try {
    for (const tool of ["ipset", ...backends]) execFileSync(tool, ["--version"], { stdio: "ignore" });
    execFileSync("ip", ["netns", "list"], { stdio: "ignore" });
  } catch (error) {
    return String(error);
  }
  return undefined;
}

const reason = whyNot();
if (reason !== undefined) {
  if (process.env["KUBEHOP_REQUIRE"] === "all") throw new Error(`test/root/netpolicy.test.ts: ${reason}`);
  console.warn(`skipped: test/root/netpolicy.test.ts: ${reason}`);
}

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
  beforeAll(() => execFileSync("ip", ["netns", "add", namespace]));
  afterAll(() => execFileSync("ip", ["netns", "delete", namespace]));

  test.for(cases)("$name", ({ compiled }) => {
    if (compiled === undefined) return;
    const sets = new IpSets();
    loadSets(sets, compiled);
    const rules = applyRestore(emptyRuleset("ipv4"), compiled.rules);
    const text = printRuleset(rules);
    for (const backend of backends) run(`${backend}-restore`, [], "*filter\nCOMMIT\n");
    run("ipset", ["destroy"]);
    run("ipset", ["restore"], saveSets(sets));
    for (const backend of backends) {
      run(`${backend}-restore`, [], text);
      expect(rulesIn(run(`${backend}-save`, ["-t", "filter"])), backend).toEqual(rulesIn(text));
      run(`${backend}-restore`, [], "*filter\nCOMMIT\n");
    }
    expect(elementsIn(run("ipset", ["save"]))).toEqual(elementsIn(saveSets(sets)));
  });
});
