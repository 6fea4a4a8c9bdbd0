import { expect, test } from "vitest";
import { generatedCluster } from "../../bench/clusters.ts";
import { loadInput, traceProbe } from "../../src/index.ts";
import type { Trace } from "../../src/trace/records.ts";
import { ofKind, packetSteps, wayOf } from "./traces.ts";

/*
 * Who is asked for an Ethernet address, and who ignores the question: a bridge sends a broadcast to every port but the
 * one it came by (br_flood), and arp_process() drops what asks for somebody else. test/referee/kernel shows both at
 * three nodes; here are so many that those who ignore it are counted and not shown.
 */

function curl(nodes: number): Trace {
  const input = loadInput([generatedCluster({ nodes, pods: nodes, services: 3 })], {
    namespace: "bench",
    settings: { podCidrs: ["10.0.0.0/9"], serviceCidrs: ["10.200.0.0/14"], systemComponents: "assumed" },
  });
  if ("problems" in input) throw new Error(JSON.stringify(input.problems));
  return traceProbe(input, { from: "pod/client", run: "curl http://web" }) as Trace;
}

test("the switch of 80 nodes sends a question to every port, and shows those it concerns", () => {
  const trace = curl(80);
  expect(trace.outcome).toBe("answered");
  const [first] = ofKind(packetSteps(trace), "bridge").filter(
    ({ action, namespace }) => action === "flood" && namespace === "(switch)",
  );
  // 79 other nodes, the router, and the switch itself.
  expect(first?.outPorts?.length).toBe(81);
  expect(first?.text).toBe(
    "Bridge sw0 copies the frame to its 80 other ports. 78 of the hosts there are not asked and ignore it: their copies are not shown.",
  );
  const entered = new Set(trace.flows.flatMap(({ packets }) => packets.flatMap(wayOf)));
  const nodes = [...entered].filter((name) => name.startsWith("node-"));
  // Those of the client, of the web server, and of the two CoreDNS pods.
  expect(nodes).toEqual(expect.arrayContaining(["node-0", "node-1"]));
  expect(nodes.length).toBeLessThanOrEqual(4);
});

test("what is not shown changes nothing: the conversation is that of a small segment", () => {
  const answers = [20, 80].map((nodes) => {
    const { outcome, message, flows } = curl(nodes);
    const ways = flows.filter(({ protocol }) => protocol === "tcp").flatMap(({ packets }) => packets.map(wayOf));
    return { outcome, message: message.replaceAll(/\d+ ms/g, ""), ways };
  });
  expect(answers[1]).toEqual(answers[0]);
});
