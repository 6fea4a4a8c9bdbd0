import { expect, test } from "vitest";
import { setSysctl, sysctlLines } from "../../src/topology/sysctl-line.ts";
import { createSysctls } from "../../src/kernel/sysctl.ts";
import { emptyLab } from "../kernel/cluster.ts";

// sysctl.conf(5); net.ipv4.ip_local_port_range holds two numbers, ip-sysctl.rst.
test("a range of ports is two numbers, a word says nothing, a line without = is a mistake", () => {
  const sysctls = createSysctls();
  for (const line of [
    "net.ipv4.ip_local_port_range = 1024\t65535  # more ports",
    "net/ipv4/ip_forward=1",
    "net.ipv4.tcp_congestion_control=cubic",
    "# nothing",
  ]) {
    setSysctl(sysctls, line);
  }
  expect(sysctlLines(sysctls)).toEqual(["net.ipv4.ip_forward=1", "net.ipv4.ip_local_port_range=1024 65535"]);
  expect(() => setSysctl(sysctls, "net.ipv4.ip_forward 1")).toThrow(/not NAME=VALUE/);
});

test("a socket takes its port from the range", () => {
  const { sockets, sysctls } = emptyLab().ns("n");
  setSysctl(sysctls, "net.ipv4.ip_local_port_range=2000 2003");
  const ports = [1, 2, 3, 4, 5].map((flow) => sockets.openUdp(undefined, {}, { flowKey: `flow-${flow}` }).local.port);
  expect(ports.slice(0, 4).toSorted()).toEqual([2000, 2001, 2002, 2003]);
  expect(ports[4]).toBe(0);
});
