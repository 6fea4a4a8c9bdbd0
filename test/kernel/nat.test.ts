import { expect, test } from "vitest";
import { byDevice, route, wireOf } from "./cluster.ts";
import { type Outcome, type GoldenFlow, goldenFlow, tcpConversation } from "./conversation.ts";
import { serviceCluster, withStars } from "./service-nat.ts";

function expectAsRecorded(outcome: Outcome, golden: GoldenFlow, where: string): void {
  const connections = Object.fromEntries(
    Object.entries(outcome.conntrack).map(([ns, lines]) => [ns, withStars(lines, golden.conntrack[ns] ?? [])]),
  );
  expect(connections, where).toEqual(golden.conntrack);
  const ours = byDevice(wireOf(outcome.packets));
  const recorded = byDevice(golden.wire);
  for (const [device, lines] of Object.entries(recorded))
    expect(withStars(ours[device] ?? [], lines), device).toEqual(lines);
  expect(Object.keys(ours).sort()).toEqual(Object.keys(recorded).sort());
}

// Frames and connections were recorded from Linux 6.18 (test/referee/kernel/hostgw), in one world and in this order.
const lab = serviceCluster();
route(lab.ns("ext"), "10.96.0.0/16", "172.18.0.2");
tcpConversation(lab, "p1b", "10.244.0.2:8080", 40_001);

test.for([
  { flow: "svc-local", from: "p1b", to: "10.96.0.11:80", port: 40_003 },
  { flow: "svc-remote", from: "p1b", to: "10.96.0.12:80", port: 40_004 },
  { flow: "hairpin", from: "p1a", to: "10.96.0.11:80", port: 40_006 },
  { flow: "host-svc-local", from: "node1", to: "10.96.0.11:80", port: 40_008 },
  { flow: "host-svc-remote", from: "node1", to: "10.96.0.12:80", port: 40_009 },
  { flow: "nodeport-local", from: "ext", to: "172.18.0.2:30081", port: 40_010 },
  { flow: "nodeport-remote", from: "ext", to: "172.18.0.2:30082", port: 40_011 },
  { flow: "pod-ext", from: "p1b", to: "172.18.0.100:9000", port: 40_012 },
  { flow: "pod-othernode", from: "p1b", to: "172.18.0.3:10250", port: 40_014 },
  { flow: "closed", from: "p1b", to: "10.96.0.13:80", port: 40_019, result: "ECONNREFUSED" },
  { flow: "dead", from: "p1b", to: "10.96.0.14:80", port: 40_020, result: "EHOSTUNREACH" },
  { flow: "host-own-np", from: "node1", to: "172.18.0.2:30081", port: 40_022 },
  { flow: "ext-vip", from: "ext", to: "10.96.0.12:80", port: 40_024 },
])("$flow: connections and frames are the recorded ones", ({ flow, from, to, port, result }) => {
  const golden = goldenFlow("hostgw", flow);
  for (const ns of lab.network.namespaces()) ns.conntrack.flush();
  const outcome = tcpConversation(lab, from, to, port);
  expect(outcome.result).toBe(result ?? golden.result);
  expect(outcome.answer).toBe(golden.answer && `this is ${golden.answer.server}`);
  expectAsRecorded(outcome, golden, flow);
});
