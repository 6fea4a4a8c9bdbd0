import { describe, expect, test } from "vitest";
import { type GoldenFlow, differences } from "../kernel/golden-compare.ts";
import { recordedFlows, runRecordedFlows } from "./kernel-world.ts";

/** node2 sends the client's packets out and gets them back for its own pod: how both mix is a matter of wire speed. */
const twiceThroughANode: readonly string[] = ["np-c2-node1"];

/** The packets of a trace by the addresses they came with, each in its order. */
function byAddresses(trace: GoldenFlow["trace"]): GoldenFlow["trace"] {
  const addresses = (at: string): string => at.replaceAll(/:[\d*]+/g, "").split(" ")[0] ?? "";
  const grouped = Object.entries(trace).map(([namespace, packets]) => [
    namespace,
    packets.toSorted((a, b) => addresses(a.at).localeCompare(addresses(b.at))),
  ]);
  return Object.fromEntries(grouped) as GoldenFlow["trace"];
}

// test/referee/kernel/kp-iptables: the real kube-proxy 1.30.5 on the real kernel. What is taken from the recording and
// what is kubehop's own stands in kernel-world.ts. Compared are result, answer (server, addresses it saw), rule trace of
// nodes, pods and ext, connections; frames are not, since the nodes' MAC addresses are others.
describe("a cluster from the recorded objects behaves as the real one", () => {
  let run: ReturnType<typeof runRecordedFlows> | undefined;

  test.for(recordedFlows)("$name", (recorded) => {
    run ??= runRecordedFlows();
    const own = run.get(recorded.name);
    if (own === undefined) throw new Error(`${recorded.name} did not run`);
    const { sw: _switch, ...trace } = recorded.trace;
    const order = twiceThroughANode.includes(recorded.name) ? byAddresses : (same: GoldenFlow["trace"]) => same;
    const found = differences({ ...recorded, trace: order(trace), wire: [] }, { ...own, trace: order(own.trace) });
    expect(found, found.join("\n    ")).toEqual([]);
  });
});
