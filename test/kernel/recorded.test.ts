import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type ReplayFlow, replay } from "../../src/sim/replay.ts";
import { parseTopology } from "../../src/topology/topology.ts";
import { differences } from "./golden-compare.ts";
import { type Recorded, readRecorded } from "./recorded.ts";

/**
 * Recorded on Linux 6.18.44 (iproute2 6.1, iptables-legacy 1.8.9) in network namespaces, frames by AF_PACKET sockets on
 * every device: the format of test/referee/kernel in one text per topology, with rule traces only where the rules are
 * what it is about. Those of IPIP, SCTP, IPVS, dummy devices, sets, ranges of addresses and full connection tables come
 * from Linux 6.1.0-56-amd64 (Debian 6.1.192-2) in a virtual machine: CONTRIBUTING.md says how.
 */
const folder = join(import.meta.dirname, "recorded");
const names = readdirSync(folder).map((file) => file.replace(/\.txt$/, ""));

describe.for(names)("%s", (name) => {
  const recorded = readRecorded(join(folder, `${name}.txt`));
  let replayed: ReadonlyMap<string, ReplayFlow> | undefined;

  function flow(wanted: string): ReplayFlow {
    if (replayed === undefined) {
      const flows = replay(parseTopology(recorded.files)).map((own) => [own.name, maskPorts(own, recorded)] as const);
      replayed = new Map(flows);
    }
    return replayed.get(wanted) as ReplayFlow;
  }

  test.for(recorded.flows)("$name goes as on the real kernel", (own) => {
    const replayed = flow(own.name);
    const rules = Object.entries(replayed.trace).filter(([namespace]) => Object.hasOwn(own.trace, namespace));
    const found = differences(own, { ...replayed, trace: Object.fromEntries(rules) });
    expect(found, found.join("\n    ")).toEqual([]);
  });
});

/** Ports that the topology does not name were drawn: they are `*` in the recording. */
function maskPorts(flow: ReplayFlow, { has }: Recorded): ReplayFlow {
  const mask = (text: string): string =>
    text.replaceAll(/(\d\.\d+:|\]:|port=)(\d+)/g, (all, before: string, port: string) =>
      has(port) || Number(port) < 1024 ? all : `${before}*`,
    );
  const conntrack = Object.fromEntries(
    Object.entries(flow.conntrack).map(([name, lines]) => [name, lines.map(mask)] as const),
  );
  return {
    ...flow,
    ...(flow.answer && { answer: JSON.parse(mask(JSON.stringify(flow.answer))) as typeof flow.answer }),
    // ARP was not recorded, inside a tunnel neither.
    wire: flow.wire.map(mask).filter((line) => !/ vxlan\(.* arp /.test(line)),
    conntrack,
  };
}
