import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { applyRestore, emptyRuleset } from "../../src/iptables/apply.ts";
import { IpSets } from "../../src/iptables/ipset/store.ts";
import { saveSets } from "../../src/iptables/ipset/text.ts";
import { printRuleset } from "../../src/iptables/print.ts";
import { loadSets } from "../../src/netpolicy/apply.ts";
import { compilePolicies } from "../../src/netpolicy/compile.ts";
import { type Case, type Row, viewOf } from "../netpolicy/cases.ts";
import { deviates } from "../netpolicy/deviations.ts";
import { cluster, node } from "../netpolicy/objects.ts";
import { type TestNamespace, skipReason } from "./network-namespace.ts";
import { PodNetwork, ports } from "./pod-network.ts";

/*
 * The compiled policies against real packets: TCP and UDP between all pods. What the kernel lets pass must be what the
 * suites expect, but for kube-router's known deviations. SCTP rows are left out: its module is not everywhere.
 */

const nodeA = node("node", "192.168.255.1", "10.244.0.0/16");

interface Probe {
  readonly row: Row;
  readonly protocol: "TCP" | "UDP";
  readonly port: number;
}

interface Viewed extends Case {
  readonly seen: ReturnType<typeof viewOf>;
}

function addressesIn(cases: readonly Viewed[]): readonly string[] {
  const pods = cases.flatMap(({ seen }) => [...seen.ids.values()].flat());
  return [...new Set(pods.flatMap((pod) => pod.status.podIPs))].sort();
}

/** Puts the policies of a case in the place of those of the case before. */
function load(onNode: TestNamespace, { seen: { view } }: Viewed): void {
  const compiled = compilePolicies(cluster({ ...view, nodes: [nodeA] }), nodeA, "ipv4");
  const sets = new IpSets();
  if (compiled !== undefined) loadSets(sets, compiled);
  const rules =
    compiled === undefined ? "*filter\nCOMMIT\n" : printRuleset(applyRestore(emptyRuleset("ipv4"), compiled.rules));
  onNode.mustRunAll([
    { words: ["iptables-legacy-restore"], input: "*filter\nCOMMIT\n" },
    { words: ["ipset", "destroy"] },
    { words: ["ipset", "restore"], input: saveSets(sets) },
    { words: ["iptables-legacy-restore"], input: rules },
    { words: ["conntrack", "-F"] },
  ]);
}

function probesOf(one: Case): readonly Probe[] {
  return one.expect.flatMap((row) => {
    if (row.loopback || row.proto === "SCTP") return [];
    const protocols = row.proto === "ANY" ? (["TCP", "UDP"] as const) : [row.proto];
    const asked = ports.filter((port) => row.ports.split(",").some((part) => inPart(part, port)));
    return protocols.flatMap((protocol) => asked.map((port) => ({ row, protocol, port })));
  });
}

function inPart(part: string, port: number): boolean {
  const [first = 0, last = first] = part.split("-").map(Number);
  return first <= port && port <= last;
}

/** Describes that the kernel lets pass what a suite expects. */
export function describeSuite(file: string, suite: string, given: readonly Case[]): void {
  const tools = ["ipset", "iptables-legacy", "conntrack"].map((tool) => [tool, "--version"]);
  const reason = skipReason(file, tools);
  describe.skipIf(reason !== undefined || given.length === 0)(
    `the kernel lets pass what the ${suite} suite expects`,
    () => {
      const cases = given.map((one): Viewed => ({ ...one, seen: viewOf(one) }));
      const network = new PodNetwork(`khop-np-${process.pid}`, addressesIn(cases));
      beforeAll(() => network.start());
      afterAll(() => network.stop());

      test.for(cases.map((one) => [one.case.name, one] as const))("%s", async ([name, one]) => {
        load(network.node, one);
        const addressOf = (id: string): string => one.seen.ids.get(id)?.[0]?.status.podIPs[0] ?? "";
        const wrong = await Promise.all(
          probesOf(one).map(async ({ row, protocol, port }) => {
            const outcome = await network.ask(addressOf(row.src), protocol, addressOf(row.dst), port);
            const passes = row.allowed !== deviates(name, row.src, row.dst, protocol, port);
            const expected = passes ? "answered" : "refused";
            return outcome === expected ? [] : [`${row.src} > ${row.dst} ${protocol} ${port}: ${outcome}`];
          }),
        );
        expect(wrong.flat()).toEqual([]);
      });
    },
  );
}
