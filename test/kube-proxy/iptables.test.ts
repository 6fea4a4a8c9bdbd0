import { describe, expect, test } from "vitest";
import { type IptablesProxierCommand, iptablesProxier } from "../../src/iptables/proxier.ts";
import { formatCall } from "../../src/iptables/proxier-print.ts";
import { formatRestore } from "../../src/iptables/proxier-restore.ts";
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

/** What a sync told the node, in the sections of the recordings. */
function sections(commands: readonly IptablesProxierCommand[], events: readonly string[]): Record<string, string> {
  const lines = { events: [...events], jumps: [] as string[], restore: "" };
  for (const command of commands) {
    if (command.kind === "sysctl") lines.events.push(`sysctl ${command.name.replaceAll(".", "/")} = ${command.value}`);
    if (command.kind === "iptables") lines.jumps.push(formatCall(command, command.family));
    if (command.kind === "iptables-restore") lines.restore += formatRestore(command.restore);
  }
  return { events: sortedLines(lines.events), jumps: `${lines.jumps.join("\n")}\n`, "iptables-restore": lines.restore };
}

describe("what kube-proxy 1.30.5 gives to iptables, byte for byte (test/referee/kube-proxy)", () => {
  test.each(recordedCases)("%s", (name) => {
    const { objects, nodeLabels } = recordedInput(name);
    const syncs = expectedSyncs(name, "iptables");
    expect(syncs.length).toBe(name === "l-dualstack" ? 2 : 1);
    for (const [index, sync] of syncs.entries()) {
      const options = recordedOptions(index === 0 ? "ipv4" : "ipv6");
      const { commands, events } = iptablesProxier.sync(objects, recordedNode(nodeLabels), options);
      expect(sections(commands, events)).toEqual(expectedSections(sync));
    }
  });

  test("m-updates: two partial syncs after a full one", () => {
    const first = recordedInput("m-mixed");
    const node = recordedNode(first.nodeLabels);
    const options = recordedOptions("ipv4");
    const syncs = expectedSyncs("m-updates", "iptables");
    expect(syncs.length).toBe(3);
    let { objects } = first;
    let { state, commands, events } = iptablesProxier.sync(objects, node, options);
    for (const [index, sync] of syncs.entries()) {
      if (index > 0) {
        objects = updated(objects, recordedInput(`m-update${index}`));
        ({ state, commands, events } = iptablesProxier.sync(objects, node, options, state));
      }
      expect(sections(commands, events)).toEqual(expectedSections(sync));
    }
  });
});
