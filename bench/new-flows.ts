import { createIptables } from "../src/iptables/netns.ts";
import { applyToNamespace } from "../src/iptables/proxier-apply.ts";
import { iptablesProxier } from "../src/iptables/proxier.ts";
import { addAddress } from "../src/kernel/address.ts";
import { seededChance } from "../src/kernel/chance.ts";
import { EventQueue } from "../src/kernel/clock.ts";
import { receiveIp } from "../src/kernel/ip/input.ts";
import { addDevice, setUp } from "../src/kernel/link.ts";
import { createNamespace } from "../src/kernel/namespace-create.ts";
import type { Wire } from "../src/kernel/namespace.ts";
import { kernelProfiles } from "../src/kernel/profile.ts";
import { addRoute } from "../src/kernel/routes.ts";
import { Recorder } from "../src/trace/recorder.ts";
import { address, ipv4 } from "../src/wire/address.ts";
import { parseMac } from "../src/wire/mac.ts";
import { emptyPayload } from "../src/wire/packet.ts";
import { benchNode, benchOptions, generatedObjects } from "./kube-proxy-objects.ts";

/*
 * New UDP flows per second through one node with kube-proxy's iptables rules, nothing recorded: PREROUTING to
 * POSTROUTING, conntrack entry included, each flow a new tuple; CPU time, not wall-clock. `node --import tsx bench/new-flows.ts [SERVICES
 * [ENDPOINTS [FLOWS]]]`. Prints one JSON object.
 */
const [services = 10_000, endpoints = 10, flows = 1_000_000] = process.argv.slice(2).map(Number);

const clock = new EventQueue();
let sent = 0;
const wire: Wire = { transmit: () => void sent++ };
const surroundings = {
  clock,
  chance: seededChance(1),
  wire,
  recorder: new Recorder("off", () => clock.nowNanos()),
  profile: kernelProfiles["6.18"],
};
const namespace = createNamespace({ name: "node", surroundings });
const iptables = createIptables(namespace);
const peerMac = parseMac("02:00:00:00:00:02");
for (const [name, own, prefixLength] of [
  ["eth0", "192.168.0.1", 24],
  ["cni0", "10.192.0.1", 16],
] as const) {
  addDevice(namespace, { kind: "physical", name });
  setUp(namespace, name);
  addAddress(namespace, name, address(own), prefixLength);
}
namespace.sysctls.set("net.ipv4.ip_forward", 1);
// Clients sit on cni0, endpoints behind the gateway of eth0.
const gateway = address("192.168.0.254");
if (peerMac === undefined) throw new Error("a constant");
addRoute(namespace, { destination: { base: ipv4(0), prefixLength: 0 }, via: gateway });
namespace.neighbours.set({ device: "eth0", address: gateway, mac: peerMac, state: "PERMANENT" });

const objects = generatedObjects(services, endpoints);
const udp = {
  ...objects,
  services: objects.services.map((service) => ({
    ...service,
    spec: { ...service.spec, ports: service.spec.ports.map((port) => ({ ...port, protocol: "UDP" as const })) },
  })),
  endpointSlices: objects.endpointSlices.map((slice) => ({
    ...slice,
    ports: slice.ports.map((port) => ({ ...port, protocol: "UDP" as const })),
  })),
};
const loadStart = performance.now();
applyToNamespace(iptablesProxier.sync(udp, benchNode, benchOptions).commands, namespace, iptables);
const loadMillis = Math.round(performance.now() - loadStart);

const cni = namespace.devices.get("cni0");
if (cni === undefined) throw new Error("cni0 is there");
function run(count: number, from: number): number {
  const start = process.cpuUsage().user;
  for (let i = from; i < from + count; i++) {
    receiveIp(namespace, cni as NonNullable<typeof cni>, {
      packet: {
        kind: "ip",
        src: ipv4(0x0ac00010 + (i % 60_000)),
        dst: ipv4(0x0a600001 + ((i * 7919) % services)),
        ttl: 64,
        dontFragment: true,
        id: 0,
        transport: { protocol: "udp", srcPort: 1024 + Math.floor(i / 60_000), dstPort: 80 },
        payload: emptyPayload,
      },
      mark: 0,
      untracked: false,
      flowKey: "bench",
    });
  }
  return (process.cpuUsage().user - start) / 1000;
}
run(Math.min(flows, 50_000), 0);
namespace.conntrack.flush();
sent = 0;
const millis = run(flows, 50_000);
console.log(
  JSON.stringify({
    bench: "new-flows",
    size: `${services}x${endpoints}`,
    loadMillis,
    flows,
    sent,
    entries: namespace.conntrack.entries().length,
    flowsPerSecond: Math.round((flows / millis) * 1000),
    microsPerFlow: Math.round((millis / flows) * 1e6) / 1e3,
    rssMegabytes: Math.round(process.memoryUsage().rss / 2 ** 20),
  }),
);
