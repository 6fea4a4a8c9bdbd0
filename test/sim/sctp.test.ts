import { expect, test } from "vitest";
import { flowsOf } from "./traces.ts";
import { pod, run } from "./shop.ts";

const service = (name: string, spec: string): string => `---
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: shop }
spec: { ${spec} }
`;

const more =
  pod("diameter", "nodeName: node-b, containers: [{ name: c, ports: [{ containerPort: 3868, protocol: SCTP }] }]") +
  service("aaa", "selector: { app: diameter }, ports: [{ port: 5000, targetPort: 3868, protocol: SCTP }]") +
  service("shut", "selector: { app: diameter }, ports: [{ port: 5000, targetPort: 3869, protocol: SCTP }]") +
  service("empty", "selector: { app: nobody }, ports: [{ port: 5000, protocol: SCTP }]");

/*
 * What a client's socket saw on Linux 6.1 behind such rules: flows vip, vipclosed and rejected of
 * test/kernel/recorded/sctp.txt. An ICMP error does not end the call: INIT goes out again after 3, 9, 21, 45, 93, 153,
 * 213 and 273 s, and a minute later the caller gives up (rto_initial, rto_max, max_init_retransmits: sctp(7)).
 */
test.for([
  { run: "sctp aaa:5000", outcome: "answered", message: /answered/ },
  { run: "sctp shut:5000", outcome: "refused", message: /ECONNREFUSED after 0 ms/ },
  { run: "sctp empty:5000", outcome: "timed-out", message: /ETIMEDOUT after 333000 ms/ },
])("$run: $outcome", ({ run: command, outcome, message }) => {
  const trace = run({ run: command, more });
  expect(trace).toMatchObject({ outcome, message: expect.stringMatching(message) as string });
});

test("the packets of an association say what they are", () => {
  const [flow] = flowsOf(run({ run: "sctp aaa:5000", more }), "sctp");
  const chunks = flow?.packets.map(({ hops }) => hops[0]?.packet.chunks);
  expect(chunks).toEqual([
    "init",
    "init-ack",
    "cookie-echo",
    "cookie-ack",
    "data",
    "sack",
    "data",
    "sack",
    "shutdown",
    "shutdown-ack",
    "shutdown-complete",
  ]);
});
