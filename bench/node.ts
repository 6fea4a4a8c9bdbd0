import { createIptables } from "../src/iptables/netns.ts";
import { applyToNamespace } from "../src/iptables/proxier-apply.ts";
import { iptablesProxier } from "../src/iptables/proxier.ts";
import { addAddress } from "../src/kernel/address.ts";
import { seededChance } from "../src/kernel/chance.ts";
import { EventQueue } from "../src/kernel/clock.ts";
import type { Device } from "../src/kernel/device.ts";
import { addDevice, setUp } from "../src/kernel/link.ts";
import { createNamespace } from "../src/kernel/namespace-create.ts";
import type { NetworkNamespace } from "../src/kernel/namespace.ts";
import { kernelProfiles } from "../src/kernel/profile.ts";
import { addRoute } from "../src/kernel/routes.ts";
import { type RecordLevel, Recorder } from "../src/trace/recorder.ts";
import { address, ipv4 } from "../src/wire/address.ts";
import { parseMac } from "../src/wire/mac.ts";
import { type Packet, emptyPayload } from "../src/wire/packet.ts";
import { benchNode, benchOptions, generatedObjects } from "./kube-proxy-objects.ts";

/**
 * A node with kube-proxy's iptables rules. Its pods are behind `cni`, the endpoints of the Services on other nodes,
 * which a router behind eth0 knows: the commonplace way of a pod's packet is in by cni0 and out by eth0, forwarded,
 * DNATed and not masqueraded. Packets leave for nowhere.
 */
export interface LoadedNode {
  readonly namespace: NetworkNamespace;
  readonly cni: Device;
  readonly recorder: Recorder;
  /** Packets that left so far. */
  sent(): number;
  /** Making the rules and loading them. */
  readonly loadMillis: number;
}

/** As many as a node has by default, each with the ephemeral ports of Linux: 3.1 million flows. */
const pods = 110;
const firstPort = 32_768;
const ports = 28_232;

/** The first packet of a flow, each index another one: a pod of the node calls one of the Services, all in turn. */
export function callOf(index: number, services: number, protocol: "udp" | "tcp"): Packet {
  const srcPort = firstPort + (Math.floor(index / pods) % ports);
  return {
    kind: "ip",
    src: ipv4(0x0ac00002 + (index % pods)),
    dst: ipv4(0x0a600001 + (((index % services) * 7919) % services)),
    ttl: 64,
    dontFragment: true,
    id: 0,
    transport:
      protocol === "udp"
        ? { protocol, srcPort, dstPort: 80 }
        : { protocol, srcPort, dstPort: 80, seq: 0, ack: 0, flags: { syn: true } },
    payload: emptyPayload,
  };
}

/** Names of flows, which chance goes by: a Service's flows go to all of its endpoints. */
const flowKeys = Array.from({ length: 997 }, (_, index) => `flow-${index}`);

export function flowKeyOf(index: number): string {
  return flowKeys[index % flowKeys.length] as string;
}

/** Boots the node: `services` Services of `endpoints` endpoints, the router known. */
export function loadedNode(
  services: number,
  endpoints: number,
  protocol: "UDP" | "TCP",
  level: RecordLevel,
): LoadedNode {
  const clock = new EventQueue();
  const recorder = new Recorder(level, () => clock.nowNanos());
  let sent = 0;
  const wire = { transmit: () => void sent++ };
  const surroundings = { clock, chance: seededChance(1), wire, recorder, profile: kernelProfiles["6.18"] };
  const namespace = createNamespace({ name: "node", surroundings });
  const iptables = createIptables(namespace);
  addPort(namespace, "eth0", "192.168.0.1", 24);
  const cni = addPort(namespace, "cni0", "10.192.0.1", 24);
  namespace.sysctls.set("net.ipv4.ip_forward", 1);
  const gateway = address("192.168.0.254");
  addRoute(namespace, { destination: { base: ipv4(0), prefixLength: 0 }, via: gateway });
  const mac = parseMac("02:00:00:00:00:02") as NonNullable<ReturnType<typeof parseMac>>;
  namespace.neighbours.set({ device: "eth0", address: gateway, mac, state: "PERMANENT" });
  const start = performance.now();
  const { commands } = iptablesProxier.sync(objectsOf(services, endpoints, protocol), benchNode, benchOptions);
  applyToNamespace(commands, namespace, iptables);
  return { namespace, cni, recorder, sent: () => sent, loadMillis: Math.round(performance.now() - start) };
}

function addPort(namespace: NetworkNamespace, name: string, own: string, prefixLength: number): Device {
  addDevice(namespace, { kind: "physical", name });
  setUp(namespace, name);
  addAddress(namespace, name, address(own), prefixLength);
  return namespace.devices.get(name) as Device;
}

function objectsOf(services: number, endpoints: number, protocol: "UDP" | "TCP"): ReturnType<typeof generatedObjects> {
  const objects = generatedObjects(services, endpoints);
  const ported = <T extends { readonly protocol: string }>(ports: readonly T[]) =>
    ports.map((port) => ({ ...port, protocol }));
  return {
    ...objects,
    services: objects.services.map(({ spec, ...service }) => ({
      ...service,
      spec: { ...spec, ports: ported(spec.ports) },
    })),
    endpointSlices: objects.endpointSlices.map((slice) => ({ ...slice, ports: ported(slice.ports) })),
  };
}
