import { expect, test } from "vitest";
import { runIpBatch } from "../../src/topology/ip-batch.ts";
import { emptyLab } from "./cluster.ts";

/* What `ip link show br0` said on Linux 6.18 after each command (iproute2 6.1). */
const measured = [
  ["link add br0 mtu 1500 type bridge", 1500],
  ["link set v1 master br0", 1500],
  ["link set v1 mtu 1300", 1300],
  ["link set v1 mtu 1400", 1400],
  ["link set v2 master br0", 1400],
  ["link set v1 nomaster", 1500],
  ["link set v2 mtu 9000", 9000],
  ["link set br0 mtu 1450", 1450],
  ["link set v2 mtu 1300", 1450],
  ["link set v2 nomaster", 1450],
  ["link set v2 master br0", 1450],
  ["link add br1 mtu 1450 type bridge", 1450],
  ["link set v1 mtu 1500", 1450],
  ["link set v1 master br1", 1500],
  ["link set v1 nomaster", 1500],
] as const;

test("a bridge has the lowest MTU of its ports, until one is set", () => {
  const ns = emptyLab().ns("node");
  runIpBatch(ns, "link add v1 type dummy\nlink add v2 type dummy\n", "ip");
  const shown = measured.map(([command]) => {
    runIpBatch(ns, command, "ip");
    const bridge = ns.devices.has("br1") ? "br1" : "br0";
    return [command, ns.devices.get(bridge)?.mtu];
  });
  expect(shown).toEqual(measured);
});
