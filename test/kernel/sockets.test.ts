import { expect, test } from "vitest";
import { byDevice, hostGateway, wireOf } from "./cluster.ts";
import { endpoint, goldenFlow, listen, tcpConversation } from "./conversation.ts";

function lab(): ReturnType<typeof hostGateway> {
  const made = hostGateway();
  for (const pod of ["p1a", "p1b", "p2a", "p2b"]) {
    listen(made, pod, "tcp", 8080);
    listen(made, pod, "udp", 5353);
  }
  for (const node of ["node1", "node2"]) listen(made, node, "tcp", 10_250);
  return made;
}

// The frames were recorded from Linux 6.18 (test/referee/kernel/hostgw).
test.for([
  { flow: "same-node-pod", to: "10.244.0.2:8080", port: 40_001 },
  { flow: "cross-node-pod", to: "10.244.1.2:8080", port: 40_002 },
  { flow: "pod-node", to: "172.18.0.2:10250", port: 40_013 },
])("$flow: a TCP connection has the recorded frames on every device", ({ flow, to, port }) => {
  const golden = goldenFlow("hostgw", flow);
  const outcome = tcpConversation(lab(), "p1b", to, port);
  expect(outcome.result).toBe(golden.result);
  expect(outcome.answer).toBe(`this is ${golden.answer?.server}`);
  expect(byDevice(wireOf(outcome.packets))).toEqual(byDevice(golden.wire));
});

test("a datagram to a closed port is answered with port unreachable, which a connected socket hears of", () => {
  const golden = goldenFlow("hostgw", "udp-closed");
  const made = lab();
  const flow = made.recorder.flow({ protocol: "udp", from: "p1b", to: "", purpose: "" });
  const errors: string[] = [];
  const socket = made
    .ns("p1b")
    .sockets.openUdp(
      endpoint("10.244.1.2:9999"),
      { failed: (_, error) => errors.push(error.errno) },
      { sourcePort: 40_025, flowKey: "test", ...(flow && { flow }) },
    );
  expect(socket.send({ kind: "bytes", length: 6 })).toBeUndefined();
  made.clock.run();
  expect(errors).toEqual(["ECONNREFUSED"]);
  expect(byDevice(wireOf(flow?.flow.packets ?? []))).toEqual(byDevice(golden.wire));
});
