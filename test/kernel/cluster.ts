import { addAddress } from "../../src/kernel/address.ts";
import { seededChance } from "../../src/kernel/chance.ts";
import { EventQueue } from "../../src/kernel/clock.ts";
import { sendPacket } from "../../src/kernel/ip/output.ts";
import { addDevice, enslave, setUp } from "../../src/kernel/link.ts";
import { createNamespace } from "../../src/kernel/namespace-create.ts";
import type { NetworkNamespace } from "../../src/kernel/namespace.ts";
import { Network } from "../../src/kernel/network.ts";
import { kernelProfiles } from "../../src/kernel/profile.ts";
import { addRoute } from "../../src/kernel/routes.ts";
import { type RecordLevel, Recorder, packetAt } from "../../src/trace/recorder.ts";
import type { KernelProfile } from "../../src/kernel/namespace.ts";
import type { PacketRecord, PacketTrace, Step } from "../../src/trace/records.ts";
import { address } from "../../src/wire/address.ts";
import { parseCidr, parseInterfaceAddress } from "../../src/wire/cidr.ts";
import { parseMac } from "../../src/wire/mac.ts";
import { type Packet, emptyPayload } from "../../src/wire/packet.ts";

/** The topology of test/referee/kernel/hostgw: two nodes, two pods each, a host outside, a switch. */
export interface Lab {
  readonly clock: EventQueue;
  readonly network: Network;
  readonly recorder: Recorder;
  ns(name: string): NetworkNamespace;
}

export function emptyLab(level: RecordLevel = "step"): Lab {
  const clock = new EventQueue();
  const network = new Network(clock);
  const recorder = new Recorder(level, () => clock.nowNanos());
  return {
    clock,
    network,
    recorder,
    ns(name) {
      const known = network.get(name);
      if (known !== undefined) return known;
      const profile = kernelProfiles["6.18"] as KernelProfile;
      const surroundings = { clock, chance: seededChance(1), wire: network, recorder, profile };
      const made = createNamespace({ name, surroundings });
      network.add(made);
      return made;
    },
  };
}

/** One veth pair: `node1:vethp1a=02:.. p1a:eth0=02:..`, as in the topology's `links`. */
export function link(lab: Lab, line: string): void {
  const ends = line.split(/\s+/).map((end) => {
    const [place = "", mac = ""] = end.split("=");
    const [namespace = "", device = ""] = place.split(":");
    return { namespace, device, mac: parseMac(mac) };
  });
  for (const [index, { namespace, device, mac }] of ends.entries()) {
    const other = ends[1 - index];
    if (other === undefined) throw new Error(line);
    const peer = { namespace: other.namespace, device: other.device };
    addDevice(lab.ns(namespace), { kind: "veth", name: device, peer, ...(mac && { mac }) });
    setUp(lab.ns(namespace), device);
  }
}

export function bridge(
  ns: NetworkNamespace,
  name: string,
  mac: string,
  ports: readonly string[],
  hairpin = false,
): void {
  addDevice(ns, { kind: "bridge", name, mac: parseMac(mac)! });
  for (const port of ports) enslave(ns, port, name, { hairpin });
  setUp(ns, name);
}

export function addr(ns: NetworkNamespace, device: string, text: string): void {
  const { address: own, prefixLength } = parseInterfaceAddress(text)!;
  addAddress(ns, device, own, prefixLength);
}

export function route(ns: NetworkNamespace, destination: string, via: string, device?: string): void {
  const all = via.includes(":") ? "::/0" : "0.0.0.0/0";
  addRoute(ns, {
    destination: parseCidr(destination === "default" ? all : destination)!,
    via: address(via),
    ...(device !== undefined && { device }),
  });
}

export function hostGateway(level: RecordLevel = "step"): Lab {
  const lab = emptyLab(level);
  for (const line of [
    "node1:eth0=02:00:ac:12:00:02 sw:node1=02:00:ff:00:00:02",
    "node2:eth0=02:00:ac:12:00:03 sw:node2=02:00:ff:00:00:03",
    "ext:eth0=02:00:ac:12:00:64 sw:ext=02:00:ff:00:00:64",
    "p1a:eth0=02:00:0a:f4:00:02 node1:vethp1a=02:00:fe:f4:00:02",
    "p1b:eth0=02:00:0a:f4:00:03 node1:vethp1b=02:00:fe:f4:00:03",
    "p2a:eth0=02:00:0a:f4:01:02 node2:vethp2a=02:00:fe:f4:01:02",
    "p2b:eth0=02:00:0a:f4:01:03 node2:vethp2b=02:00:fe:f4:01:03",
  ]) {
    link(lab, line);
  }
  const sw = lab.ns("sw");
  sw.sysctls.set("net.bridge.bridge-nf-call-iptables", 0);
  bridge(sw, "br0", "02:00:ff:00:00:01", ["node1", "node2", "ext"]);
  addr(sw, "br0", "172.18.0.1/16");
  for (const [node, number, other] of [
    ["node1", 0, "172.18.0.3"],
    ["node2", 1, "172.18.0.2"],
  ] as const) {
    const ns = lab.ns(node);
    ns.sysctls.set("net.ipv4.ip_forward", 1);
    ns.sysctls.set("net.ipv4.icmp_ratelimit", 0);
    for (const device of ["cni0", "eth0"]) ns.sysctls.set(`net.ipv4.neigh.${device}.retrans_time_ms`, 100);
    addr(ns, "eth0", `172.18.0.${number + 2}/16`);
    route(ns, "default", "172.18.0.1");
    const ports = number === 0 ? ["vethp1a", "vethp1b"] : ["vethp2a", "vethp2b"];
    bridge(ns, "cni0", `02:00:0a:f4:0${number}:01`, ports, true);
    addr(ns, "cni0", `10.244.${number}.1/24`);
    route(ns, `10.244.${1 - number}.0/24`, other, "eth0");
    for (const [pod, host] of [
      ["a", 2],
      ["b", 3],
    ] as const) {
      const podNs = lab.ns(`p${number + 1}${pod}`);
      addr(podNs, "eth0", `10.244.${number}.${host}/24`);
      route(podNs, "default", `10.244.${number}.1`);
    }
  }
  const ext = lab.ns("ext");
  addr(ext, "eth0", "172.18.0.100/16");
  route(ext, "10.244.0.0/24", "172.18.0.2");
  route(ext, "10.244.1.0/24", "172.18.0.3");
  return lab;
}

/** A UDP packet of `size` bytes of payload. */
export function udp(src: string, dst: string, changes: Partial<Packet> = {}, size = 0): Packet {
  return {
    kind: "ip",
    src: address(src),
    dst: address(dst),
    ttl: 64,
    dontFragment: true,
    id: 1,
    transport: { protocol: "udp", srcPort: 40_000, dstPort: 9999 },
    payload: size === 0 ? emptyPayload : { kind: "bytes", length: size },
    ...changes,
  };
}

export function ping(src: string, dst: string, changes: Partial<Packet> = {}): Packet {
  const protocol = src.includes(":") ? "icmpv6" : "icmp";
  return udp(src, dst, { transport: { protocol, kind: "echo-request", ident: 16_962, sequence: 1 }, ...changes });
}

/** Sends one packet and runs the clock until nothing is left to do. The packets of its flow. */
export function run(lab: Lab, from: string, packet: Packet): readonly PacketTrace[] {
  const flow = lab.recorder.flow({ protocol: "test", from, to: "", purpose: "" });
  sendPacket(lab.ns(from), packet, { flowKey: "test", ...(flow && { track: flow.packet("original") }) });
  lab.clock.run({ untilNanos: lab.clock.nowNanos() + 10e9 });
  return flow?.flow.packets ?? [];
}

const directions: Readonly<Record<string, string>> = { transmit: "out", receive: "in", "other-host": "in-other" };

/** Frames of these packets as the kernel cases list them: `namespace device direction smac>dmac packet`. */
export function wireOf(packets: readonly PacketTrace[]): string[] {
  const seen: { readonly id: number; readonly line: string }[] = [];
  for (const { hops } of packets) {
    for (const hop of hops) {
      for (const [index, step] of hop.steps.entries()) {
        const direction = step.kind === "device" ? directions[step.action] : undefined;
        if (step.kind !== "device" || direction === undefined) continue;
        const packet = packetAt(hop, index);
        const macs = `${packet.srcMac}>${packet.dstMac}`;
        seen.push({
          id: step.id,
          line: `${hop.namespace} ${step.device} ${direction} ${macs} ${formatPacket(packet)}`,
        });
      }
    }
  }
  return seen.sort((a, b) => a.id - b.id).map(({ line }) => line);
}

/** A packet in the notation of the kernel cases. */
export function formatPacket(packet: PacketRecord): string {
  const { protocol, src, dst, srcPort, dstPort, ttl } = packet;
  if (protocol === "icmp" || protocol === "icmpv6") {
    const [from, to, name] = protocol === "icmp" ? [src, dst, "icmp"] : [`[${src}]`, `[${dst}]`, "icmp6"];
    const about = packet.inner === undefined ? "" : ` about(${formatPacket(packet.inner)})`;
    return `${from}>${to} ${name} ${packet.icmpType}/${packet.icmpCode}${about} ttl=${ttl}`;
  }
  return `${src}:${srcPort}>${dst}:${dstPort} ${protocol}${packet.flags === undefined ? "" : ` ${packet.flags}`} ttl=${ttl}`;
}

/** Lines grouped by namespace, device and direction: the order between devices is not part of a case. */
export function byDevice(lines: readonly string[]): Readonly<Record<string, readonly string[]>> {
  const groups: Record<string, string[]> = {};
  for (const line of lines) {
    const [namespace, device, direction, ...rest] = line.split(" ");
    (groups[`${namespace} ${device} ${direction}`] ??= []).push(rest.join(" "));
  }
  return groups;
}

/** All steps of a packet, in order. */
export function stepsOf(packet: PacketTrace | undefined): readonly Step[] {
  return packet?.hops.flatMap(({ steps }) => steps) ?? [];
}
