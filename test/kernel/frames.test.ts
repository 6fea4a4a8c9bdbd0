import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { address } from "../../src/wire/address.ts";
import type { Packet } from "../../src/wire/packet.ts";
import { byDevice, hostGateway, ping, run, udp, wireOf } from "./cluster.ts";

interface Golden {
  readonly flows: readonly { readonly name: string; readonly wire: readonly string[] }[];
}

// Recorded from Linux 6.18 (test/referee/kernel): the frames of flows that meet no NAT.
const golden = JSON.parse(readFileSync("test/referee/kernel/hostgw/golden.json", "utf8")) as Golden;

function syn(dst: string, srcPort: number): Packet {
  return udp("10.244.0.3", dst, {
    transport: { protocol: "tcp", srcPort, dstPort: 80, flags: { syn: true }, seq: 0, ack: 0 },
  });
}

test.for<{ readonly flow: string; readonly packet: Packet }>([
  { flow: "ping-same", packet: ping("10.244.0.3", "10.244.0.2") },
  { flow: "ping-cross", packet: ping("10.244.0.3", "10.244.1.2") },
  { flow: "ttl1", packet: ping("10.244.0.3", "10.244.1.2", { ttl: 1 }) },
  { flow: "ttl2", packet: ping("10.244.0.3", "10.244.1.2", { ttl: 2 }) },
  { flow: "noroute", packet: syn("10.244.7.7", 40_021) },
])("$flow: every frame on every device is the recorded one", ({ flow, packet }) => {
  const lab = hostGateway();
  const frames = wireOf(run(lab, "p1b", packet));
  const recorded = golden.flows.find(({ name }) => name === flow)?.wire ?? [];
  expect(recorded.length).toBeGreaterThan(4);
  expect(byDevice(frames)).toEqual(byDevice(recorded));
});

test("nobody at a pod's address: three questions, then host unreachable from the node (facts of 'dead')", () => {
  const lab = hostGateway();
  const dead = udp("10.244.0.3", "10.244.1.99");
  const frames = byDevice(wireOf(run(lab, "p1b", dead)));
  expect(frames["p1b eth0 in"]).toEqual([
    "02:00:0a:f4:00:01>02:00:0a:f4:00:03 172.18.0.3>10.244.0.3 icmp 3/1 about(10.244.0.3:40000>10.244.1.99:9999 udp ttl=62) ttl=63",
  ]);
  const questions = lab.recorder.flows.find(({ to }) => to === "10.244.1.99");
  expect(questions?.packets.filter(({ causedBy }) => causedBy === undefined)).toHaveLength(3);
  expect(lab.ns("node2").neighbours.get("cni0", address("10.244.1.99"))?.state).toBe("FAILED");
});
