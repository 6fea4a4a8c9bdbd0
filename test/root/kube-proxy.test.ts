import { execFileSync, spawnSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { formatCall } from "../../src/iptables/proxier-print.ts";
import { formatRestore } from "../../src/iptables/proxier-restore.ts";
import { type IptablesProxierState, iptablesProxier } from "../../src/iptables/proxier.ts";
import { formatSets } from "../../src/ipvs/proxier-print.ts";
import { ipvsProxier } from "../../src/ipvs/proxier.ts";
import type { Family } from "../../src/wire/address.ts";
import {
  type RecordedInput,
  recordedCases,
  recordedInput,
  recordedNode,
  recordedOptions,
  updated,
} from "../kube-proxy/recorded.ts";

/*
 * What our proxiers print, loaded by the real iptables, iptables-restore and ipset into the kernel of a network
 * namespace of our own, which starts empty for every case.
 */

const namespace = `khop-proxy-${process.pid}`;
const backends = ["legacy", "nft"] as const;
type Backend = (typeof backends)[number];

/** Extensions that a kernel may lack; a text that needs one is listed as not loaded. */
const mayLack = /Extension (\w+) revision \d+ not supported|Couldn't load match `(\w+)'/;

function run(command: readonly string[], input = ""): { readonly status: number | null; readonly stderr: string } {
  return spawnSync("ip", ["netns", "exec", namespace, ...command], { input, encoding: "utf8" });
}

function whyNot(): string | undefined {
  if (process.getuid?.() !== 0) return "needs root";
  try {
    for (const tool of ["ipset", "iptables-legacy", "iptables-nft"]) {
      execFileSync(tool, ["--version"], { stdio: "ignore" });
    }
    execFileSync("ip", ["netns", "list"], { stdio: "ignore" });
  } catch (error) {
    return String(error);
  }
  return undefined;
}

const reason = whyNot();
if (reason !== undefined) {
  if (process.env["KUBEHOP_REQUIRE"] === "all") throw new Error(`test/root/kube-proxy.test.ts: ${reason}`);
  console.warn(`skipped: test/root/kube-proxy.test.ts: ${reason}`);
}

interface Loadable {
  readonly calls: readonly string[];
  readonly restore: string;
  readonly sets?: string;
}

function iptablesSync(
  input: RecordedInput,
  family: Family,
  previous?: IptablesProxierState,
): Loadable & { readonly state: IptablesProxierState } {
  const { state, commands } = iptablesProxier.sync(
    input.objects,
    recordedNode(input.nodeLabels),
    recordedOptions(family),
    previous,
  );
  return {
    state,
    calls: commands.flatMap((command) => (command.kind === "iptables" ? [formatCall(command, family)] : [])),
    restore: commands
      .flatMap((command) => (command.kind === "iptables-restore" ? [formatRestore(command.restore)] : []))
      .join(""),
  };
}

function ipvsSync(input: RecordedInput, family: Family): Loadable {
  const { state, commands } = ipvsProxier.sync(input.objects, recordedNode(input.nodeLabels), recordedOptions(family));
  return {
    sets: formatSets(state, family),
    calls: commands.flatMap((command) => (command.kind === "iptables" ? [formatCall(command, family)] : [])),
    restore: commands.flatMap((command) => (command.kind === "iptables-restore" ? [command.text] : [])).join(""),
  };
}

/** What the tools say against it; nothing when all was taken. */
function complaints({ sets, calls, restore }: Loadable, family: Family, backend: Backend): string {
  const tool = family === "ipv4" ? "iptables" : "ip6tables";
  const said = [
    ...(sets === undefined ? [] : [run(["ipset", "restore"], sets)]),
    ...calls.map((call) => {
      const [, ...args] = call.match(/"[^"]*"|\S+/g)?.map((word) => word.replaceAll('"', "")) ?? [];
      return run([`${tool}-${backend}`, ...args]);
    }),
    run([`${tool}-${backend}-restore`, "--noflush", "--counters"], restore),
  ];
  return said.flatMap(({ status, stderr }) => (status === 0 ? [] : [stderr.trim()])).join("\n");
}

function fresh(): void {
  spawnSync("ip", ["netns", "delete", namespace]);
  execFileSync("ip", ["netns", "add", namespace]);
}

const families = (name: string): readonly Family[] => (name === "l-dualstack" ? ["ipv4", "ipv6"] : ["ipv4"]);
const rows = backends.flatMap((backend) =>
  recordedCases.flatMap((name) => families(name).map((family) => ({ backend, name, family }))),
);

describe.skipIf(reason !== undefined)("the kernel takes what kube-proxy prints", () => {
  beforeAll(fresh);
  afterAll(() => void execFileSync("ip", ["netns", "delete", namespace]));

  test.for(rows)("iptables mode, $backend, $family: $name", ({ backend, name, family }) => {
    fresh();
    expect(complaints(iptablesSync(recordedInput(name), family), family, backend)).toBe("");
  });

  test.for(backends)("a full sync and two partial ones, %s: no chain is left over", (backend) => {
    fresh();
    const updates = ["m-update1", "m-update2"].map(recordedInput);
    let input = recordedInput("m-mixed");
    let last = iptablesSync(input, "ipv4");
    expect(complaints(last, "ipv4", backend)).toBe("");
    for (const update of updates) {
      input = { ...input, objects: updated(input.objects, update) };
      last = iptablesSync(input, "ipv4", last.state);
      expect(complaints(last, "ipv4", backend)).toBe("");
    }
    const chains = (save: string): readonly string[] =>
      [...save.matchAll(/^:(KUBE-\S+)/gm)].map(([, name = ""]) => name);
    const saved = spawnSync("ip", ["netns", "exec", namespace, `iptables-${backend}-save`, "-t", "nat"], {
      encoding: "utf8",
    });
    const anew = iptablesSync(input, "ipv4").restore.split("*nat\n")[1] ?? "";
    expect(chains(saved.stdout).toSorted()).toEqual(chains(anew).toSorted());
  });

  test.for(rows)("IPVS mode, $backend, $family: $name", ({ backend, name, family }, { skip }) => {
    fresh();
    const sync = ipvsSync(recordedInput(name), family);
    const said = complaints(sync, family, backend);
    const lacking = mayLack.exec(said);
    if (lacking !== null) expect(sync.restore).toContain(` -m ${lacking[1] ?? lacking[2]} `);
    skip(lacking !== null, `this kernel lacks the extension ${lacking?.[1] ?? lacking?.[2] ?? ""}`);
    expect(said).toBe("");
  });
});
