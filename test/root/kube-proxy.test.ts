import { afterEach, beforeEach, describe, expect, test } from "vitest";
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
import { TestNamespace, skipReason } from "./network-namespace.ts";

/*
 * What our proxiers print, loaded by the real iptables, iptables-restore and ipset into the kernel of a network
 * namespace of our own, which starts empty for every case.
 */

const namespace = new TestNamespace(`khop-proxy-${process.pid}`);
const backends = ["legacy", "nft"] as const;
type Backend = (typeof backends)[number];

/** Extensions that a kernel may lack; a text that needs one is listed as not loaded. */
const mayLack = /Extension (\w+) revision \d+ not supported|Couldn't load match `(\w+)'/;

const reason = skipReason(
  "test/root/kube-proxy.test.ts",
  ["ipset", "iptables-legacy", "iptables-nft"].map((tool) => [tool, "--version"]),
);

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
  const said = namespace.runAll([
    ...(sets === undefined ? [] : [{ words: ["ipset", "restore"], input: sets }]),
    ...calls.map((call) => {
      const [, ...args] = call.match(/"[^"]*"|\S+/g)?.map((word) => word.replaceAll('"', "")) ?? [];
      return { words: [`${tool}-${backend}`, ...args] };
    }),
    { words: [`${tool}-${backend}-restore`, "--noflush", "--counters"], input: restore },
  ]);
  return said.flatMap(({ status, complaint }) => (status === 0 ? [] : [complaint.trim()])).join("\n");
}

const families = (name: string): readonly Family[] => (name === "l-dualstack" ? ["ipv4", "ipv6"] : ["ipv4"]);
const rows = backends.flatMap((backend) =>
  recordedCases.flatMap((name) => families(name).map((family) => ({ backend, name, family }))),
);

describe.skipIf(reason !== undefined)("the kernel takes what kube-proxy prints", () => {
  beforeEach(() => namespace.make());
  afterEach(() => namespace.delete());

  test.for(rows)("iptables mode, $backend, $family: $name", ({ backend, name, family }) => {
    expect(complaints(iptablesSync(recordedInput(name), family), family, backend)).toBe("");
  });

  test.for(backends)("a full sync and two partial ones, %s: no chain is left over", (backend) => {
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
    const [saved = ""] = namespace.mustRunAll([{ words: [`iptables-${backend}-save`, "-t", "nat"] }]);
    const anew = iptablesSync(input, "ipv4").restore.split("*nat\n")[1] ?? "";
    expect(chains(saved).toSorted()).toEqual(chains(anew).toSorted());
  });

  test.for(rows)("IPVS mode, $backend, $family: $name", ({ backend, name, family }, { skip }) => {
    const sync = ipvsSync(recordedInput(name), family);
    const said = complaints(sync, family, backend);
    const lacking = mayLack.exec(said);
    if (lacking !== null) expect(sync.restore).toContain(` -m ${lacking[1] ?? lacking[2]} `);
    skip(lacking !== null, `this kernel lacks the extension ${lacking?.[1] ?? lacking?.[2] ?? ""}`);
    expect(said).toBe("");
  });
});
