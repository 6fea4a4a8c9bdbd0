import { describe, expect, test } from "vitest";
import { formatCall } from "../../src/iptables/proxier-print.ts";
import { formatDummyAddresses, formatSets, formatVirtualServers } from "../../src/ipvs/proxier-print.ts";
import { ipvsProxier } from "../../src/ipvs/proxier.ts";
import type { Family } from "../../src/wire/address.ts";
import {
  expectedSections,
  expectedSyncs,
  recordedCases,
  recordedInput,
  recordedNode,
  recordedOptions,
  sortedLines,
  updated,
} from "./recorded.ts";

type Sync = ReturnType<typeof ipvsProxier.sync>;

/** What a sync told the node and what the node then has, in the sections of the recordings. */
function sections({ state, commands, events }: Sync, family: Family): Record<string, string> {
  const all = [...events];
  const jumps: string[] = [];
  let restore = "";
  for (const command of commands) {
    if (command.kind === "sysctl") all.push(`sysctl ${command.name.replaceAll(".", "/")} = ${command.value}`);
    if (command.kind === "add-dummy") all.push(`add dummy device ${command.device}`);
    if (command.kind === "iptables") jumps.push(formatCall(command, family));
    if (command.kind === "iptables-restore") restore += command.text;
  }
  return {
    events: sortedLines(all),
    dummy: formatDummyAddresses(state),
    ipvs: formatVirtualServers(state, "rr"),
    ipsets: formatSets(state, family),
    jumps: `${jumps.join("\n")}\n`,
    "iptables-restore": restore,
  };
}

describe("what kube-proxy 1.30.5 programs in IPVS mode, byte for byte (test/referee/kube-proxy)", () => {
  test.each(recordedCases)("%s", (name) => {
    const { objects, nodeLabels } = recordedInput(name);
    const syncs = expectedSyncs(name, "ipvs");
    expect(syncs.length).toBe(name === "l-dualstack" ? 2 : 1);
    for (const [index, sync] of syncs.entries()) {
      const family = index === 0 ? "ipv4" : "ipv6";
      const result = ipvsProxier.sync(objects, recordedNode(nodeLabels), recordedOptions(family));
      expect(sections(result, family)).toEqual(expectedSections(sync));
    }
  });

  test("m-updates: an endpoint leaves, then a Service", () => {
    const first = recordedInput("m-mixed");
    const node = recordedNode(first.nodeLabels);
    const options = recordedOptions("ipv4");
    const syncs = expectedSyncs("m-updates", "ipvs");
    expect(syncs.length).toBe(3);
    let { objects } = first;
    let result = ipvsProxier.sync(objects, node, options);
    for (const [index, sync] of syncs.entries()) {
      if (index > 0) {
        objects = updated(objects, recordedInput(`m-update${index}`));
        result = ipvsProxier.sync(objects, node, options, result.state);
      }
      expect(sections(result, "ipv4")).toEqual(expectedSections(sync));
    }
  });
});
