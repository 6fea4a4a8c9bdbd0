import { expect, test } from "vitest";
import { sendPacket } from "../../src/kernel/ip/output.ts";
import { runBridgeBatch, runIpBatch } from "../../src/topology/ip-batch.ts";
import { writeIp } from "../../src/topology/write.ts";
import { emptyLab, link, run, udp, wireOf } from "./cluster.ts";

/** Two hosts on a bridge whose entries age within a second (ageing_time 100 is in hundredths), as recorded. */
function pair(bridgeOptions: string): ReturnType<typeof emptyLab> {
  const lab = emptyLab();
  link(lab, "h1:eth0=02:00:00:00:01:01 n:p1=02:00:00:00:ff:01");
  link(lab, "h2:eth0=02:00:00:00:01:02 n:p2=02:00:00:00:ff:02");
  link(lab, "h3:eth0=02:00:00:00:01:03 n:p3=02:00:00:00:ff:03");
  const n = lab.ns("n");
  runIpBatch(n, `link add br0 type bridge ${bridgeOptions}\nlink set br0 up\n`, "ip");
  for (const port of ["p1", "p2", "p3"]) runIpBatch(n, `link set ${port} master br0`, "ip");
  runIpBatch(lab.ns("h1"), "addr add 10.0.0.1/24 dev eth0\nneigh add 10.0.0.2 lladdr 02:00:00:00:01:02 dev eth0", "ip");
  runIpBatch(lab.ns("h2"), "addr add 10.0.0.2/24 dev eth0\nneigh add 10.0.0.1 lladdr 02:00:00:00:01:01 dev eth0", "ip");
  return lab;
}

// Linux 6.18: `bridge -s fdb` lost the entry between 1.0 and 1.25 s after the last frame.
test("an entry of the forwarding database is forgotten after ageing_time, and the frame goes to all ports again", () => {
  const lab = pair("ageing_time 100");
  lab.ns("h2").sockets.listen({ protocol: "udp", port: 9999, process: "quiet" });
  const pass = (seconds: number): void => {
    lab.clock.after(seconds * 1e9, () => undefined);
    lab.clock.run({ untilNanos: lab.clock.nowNanos() + seconds * 1e9 });
  };
  const reachesH3 = (): boolean => {
    const flow = lab.recorder.flow({ protocol: "test", from: "h1", to: "", purpose: "" });
    if (flow === undefined) throw new Error("nothing is recorded");
    sendPacket(lab.ns("h1"), udp("10.0.0.1", "10.0.0.2"), { flowKey: "test", track: flow.packet("original") });
    pass(0.001);
    return wireOf(flow.flow.packets).some((line) => line.startsWith("n p3 out"));
  };
  sendPacket(lab.ns("h2"), udp("10.0.0.2", "10.0.0.1"), { flowKey: "test" });
  pass(0.001);
  expect(reachesH3()).toBe(false);
  pass(1.1);
  expect(reachesH3()).toBe(true);
});

test("nf_call_iptables of one bridge does what the sysctl does for all", () => {
  for (const [option, seen] of [
    ["nf_call_iptables 1", 1],
    ["nf_call_ip6tables 1", 0],
  ] as const) {
    const lab = pair(option);
    const n = lab.ns("n");
    n.sysctls.set("net.bridge.bridge-nf-call-iptables", 0);
    let forwarded = 0;
    n.hooks.register("ipv4", "FORWARD", { name: "spy", priority: 0, run: () => (forwarded++, "accept") });
    run(lab, "h1", udp("10.0.0.1", "10.0.0.2"));
    expect([option, Math.min(forwarded, 1)]).toEqual([option, seen]);
  }
});

// bridge(8); net/bridge/br_stp.c: with spanning tree off, only `disabled` stays (seen on Linux 6.18).
test("bridge link set: state disabled stops a port, any other state forwards; all is written back", () => {
  const lab = pair("");
  const n = lab.ns("n");
  runBridgeBatch(n, "link set dev p1 state 4\nlink set dev p2 state 0 bcast_flood off isolated on\n", "bridge");
  expect(n.devices.get("p1")?.port?.disabled).toBe(false);
  expect(n.devices.get("p2")?.port).toMatchObject({ disabled: true, broadcastFlood: false, isolated: true });
  expect(writeIp(n)).toContain("link set p2 type bridge_slave state 0 hairpin off isolated on");
  expect(() => runIpBatch(n, "link add br1 type bridge stp_state 1", "ip")).toThrow(/spanning tree/);
});
