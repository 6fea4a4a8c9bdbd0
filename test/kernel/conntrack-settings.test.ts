import { join } from "node:path";
import { expect, test } from "vitest";
import { replay } from "../../src/sim/replay.ts";
import { buildTopology } from "../../src/topology/build.ts";
import { parseTopology } from "../../src/topology/topology.ts";
import { emptyLab, run, udp } from "./cluster.ts";
import { readRecorded } from "./recorded.ts";

const { files } = readRecorded(join(import.meta.dirname, "recorded/conntrack.txt"));

/** Seconds that the only connection of r has left after a packet of a. */
function secondsLeft(protocol: "udp" | "icmp" | "esp"): number {
  const lab = emptyLab();
  const surroundings = lab.ns("unused").surroundings;
  const built = buildTopology(parseTopology(files), { network: lab.network, surroundings });
  const transport =
    protocol === "esp"
      ? ({ protocol: "other", number: 50 } as const)
      : ({ protocol: "icmp", kind: "echo-request", ident: 1, sequence: 1 } as const);
  const packet = udp("10.0.1.2", "10.0.2.2", protocol === "udp" ? {} : { transport });
  let left = Number.NaN;
  lab.clock.after(5e6, () => {
    const [entry] = built.get("r")?.namespace.conntrack.entries() ?? [];
    left = Math.round(((entry?.expiresAtNanos ?? 0) - lab.clock.nowNanos()) / 1e9);
  });
  run(lab, "a", packet);
  return left;
}

// `conntrack -L` on Linux 6.18 with the sysctls of recorded/conntrack.txt: 6 and 4 full seconds left of 7 and 5.
test("time-outs of connections are what the sysctls say", () => {
  expect(secondsLeft("udp")).toBe(7);
  expect(secondsLeft("icmp")).toBe(5);
  expect(secondsLeft("esp")).toBe(77);
});

test("a stray ACK begins a connection unless nf_conntrack_tcp_loose is 0", () => {
  const stray = (loose: number): number => {
    const text = files.get("r/sysctl")?.replace("tcp_loose=0", `tcp_loose=${loose}`) ?? "";
    const flows = "ack a raw 10.0.2.2:8080 src=10.0.1.2 sport=41006 flags=A";
    const topology = parseTopology(new Map([...files, ["r/sysctl", text], ["flows", flows]]));
    const [flow] = replay(topology);
    return flow?.wire.filter((line) => line.startsWith("r lb out")).length ?? -1;
  };
  expect([stray(0), stray(1)]).toEqual([0, 1]);
});
