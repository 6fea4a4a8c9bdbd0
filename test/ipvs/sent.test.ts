import { expect, test } from "vitest";
import { inputOf, packetSteps, ofKind, probe } from "../sim/traces.ts";

// A hook that says NF_STOLEN is no error to the sender (net/netfilter/core.c, nf_hook_slow); IPVS goes on with the packet.
test("what IPVS takes over of a node's own packets was sent: UDP is answered and the connection named once", () => {
  const input = inputOf(
    `
apiVersion: v1
kind: Pod
metadata: { name: dns, labels: { app: dns } }
spec: { nodeName: node-b, containers: [{ name: c, image: c, ports: [{ containerPort: 5353, protocol: UDP }] }] }
---
apiVersion: v1
kind: Service
metadata: { name: dns }
spec: { clusterIP: 10.96.0.53, selector: { app: dns }, ports: [{ port: 53, targetPort: 5353, protocol: UDP }] }
`,
    { settings: { proxyMode: "ipvs", systemComponents: "none" } },
  );
  const trace = probe(input, "node/node-a", "udp 10.96.0.53:53");
  expect(trace.outcome).toBe("answered");
  const connections = ofKind(packetSteps(trace), "ipvs").flatMap(({ connection }) => connection ?? []);
  expect(connections.length).toBeGreaterThan(0);
  for (const text of connections) expect(text).toMatch(/^UDP \d/);
});
