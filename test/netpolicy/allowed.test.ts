import { describe, expect, test } from "vitest";
import type { Pod, Protocol } from "../../src/cluster/objects.ts";
import { allowed, allowedConnections } from "../../src/netpolicy/allowed.ts";
import type { End } from "../../src/netpolicy/peers.ts";
import { includes, protocols } from "../../src/netpolicy/ports.ts";
import { address } from "../../src/wire/address.ts";
import { type Case, type Row, casesOf, rangesIn, viewOf } from "./cases.ts";

/** Rows that our verdict contradicts, as text. */
function contradictions(one: Case, options: { ipBlockMatchesPods: boolean }): string[] {
  const { view, ids } = viewOf(one);
  const wrong: string[] = [];
  const check = (row: Row, src: End, dst: End, protocol: Protocol, port: number): void => {
    const { allowed: ours } = allowed(view, { src, dst, protocol, port }, options);
    const overAllPorts = includes(allowedConnections(view, src, dst, options)[protocol], port);
    if (ours !== row.allowed || overAllPorts !== row.allowed) {
      wrong.push(`${row.src} > ${row.dst} ${protocol} ${port}: ${ours}, over all ports ${overAllPorts}`);
    }
  };
  for (const row of one.expect) {
    if (row.loopback) continue;
    for (const [src, dst] of pairsOf(ids, row)) {
      for (const protocol of row.proto === "ANY" ? protocols : [row.proto]) {
        for (const { first, last } of rangesIn(row.ports)) {
          check(row, src, dst, protocol, first);
          if (last !== first) check(row, src, dst, protocol, last);
        }
      }
    }
  }
  return wrong;
}

/** The ends that a row means: two different pods of a workload, or both bounds of a range of addresses. */
function pairsOf(ids: ReadonlyMap<string, readonly Pod[]>, row: Row): readonly (readonly [End, End])[] {
  const ends = (id: string): readonly End[] => {
    if (id.startsWith("ip:")) return id.slice(3).split("-").map(address);
    const pods = ids.get(id);
    if (pods === undefined) throw new Error(`no pod ${id}`);
    return pods;
  };
  if (row.src === row.dst) return [[ends(row.src)[0] as End, ends(row.src).at(-1) as End]];
  return ends(row.src).flatMap((src) => ends(row.dst).map((dst) => [src, dst] as const));
}

const clusterPolicies = casesOf("../shared/suites/netpol/cnp").length;
if (clusterPolicies > 0) console.info(`not modelled, ClusterNetworkPolicy: ${clusterPolicies} cases of netpol/cnp`);

describe.for([
  { suite: "Kubernetes e2e", folder: "test/referee/netpol/e2e", ipBlockMatchesPods: true },
  { suite: "cyclonus", folder: "../shared/suites/netpol/cyc", ipBlockMatchesPods: true },
  { suite: "netpol-analyzer", folder: "../shared/suites/netpol/npa", ipBlockMatchesPods: false },
])("every row of the $suite suite", ({ folder, ipBlockMatchesPods }) => {
  const cases = casesOf(folder);
  if (cases.length === 0) test("the suite", (context) => context.skip(`${folder} is absent`));
  // AdminNetworkPolicy and BaselineAdminNetworkPolicy are tiers above and below: not modelled.
  const tiered = cases.filter((one) => one.case.policy_kinds?.some((kind) => kind.includes("Admin")));
  if (tiered.length > 0) console.info(`${folder}: not modelled, tiered policies: ${tiered.length} cases`);
  const modelled = cases.filter((one) => !tiered.includes(one));

  test.for(modelled.map((one) => [one.case.name, one] as const))("%s", ([, one]) => {
    expect(contradictions(one, { ipBlockMatchesPods })).toEqual([]);
  });
});
