import { type Address, formatAddress, ipv6, isMulticast, unspecified } from "../wire/address.ts";
import type { NeighbourDiscovery, Packet } from "../wire/packet.ts";
import { nanosPerMilli } from "./clock.ts";
import type { Device } from "./device.ts";
import { drop } from "./drop.ts";
import { sendPacket } from "./ip/output.ts";
import type { NetworkNamespace } from "./namespace.ts";
import type { Solicitation } from "./neighbour-table.ts";
import type { Skb } from "./skb.ts";

/** ff02::1:ffXX:XXXX. RFC 4291, section 2.7.1. */
function solicitedNode(target: Address): Address {
  return ipv6((0xff0200000000000000000001ffn << 24n) | ((target as bigint) & 0xffffffn));
}

/**
 * Asks for a link address: ndisc_solicit(). The sender is the waiting packet's source, when it is on this device, else
 * the device's link-local address.
 */
export function solicitNeighbour(ns: NetworkNamespace, solicitation: Solicitation): void {
  const { device, target, mac, forSource, flow, attempt } = solicitation;
  const own = device.addresses.some((entry) => entry.address === forSource);
  const src = own ? forSource : device.addresses.find(({ address, scope }) => isLinkLocal(address, scope))?.address;
  if (src === undefined) return;
  const dst = mac === undefined ? solicitedNode(target) : target;
  const transport: NeighbourDiscovery = {
    protocol: "icmpv6",
    kind: "neighbour-solicitation",
    target,
    linkLayer: device.mac,
  };
  send(ns, device, src, dst, transport, flow?.packet("original", attempt));
}

function isLinkLocal(address: Address, scope: string): boolean {
  return typeof address === "bigint" && scope === "link";
}

function send(
  ns: NetworkNamespace,
  device: Device,
  src: Address,
  dst: Address,
  transport: NeighbourDiscovery,
  track: Skb["track"],
): void {
  const packet: Packet = {
    kind: "ip",
    src,
    dst,
    ttl: 255,
    dontFragment: true,
    id: 0,
    transport,
    payload: { kind: "none" },
  };
  sendPacket(ns, packet, {
    flowKey: `ndp/${ns.name}/${formatAddress(transport.target)}`,
    track,
    device: device.name,
    isDiscovery: true,
  });
}

/** A solicitation or advertisement for this namespace: ndisc_recv_ns(), ndisc_recv_na(). */
export function receiveNeighbourDiscovery(
  ns: NetworkNamespace,
  device: Device,
  skb: Skb,
  transport: NeighbourDiscovery,
): void {
  const { packet } = skb;
  if (packet.ttl !== 255)
    return drop(skb, "ICMP_IGNORED", "Neighbour discovery that crossed a router is not believed.");
  if (transport.kind === "neighbour-solicitation") return answer(ns, device, skb, transport);
  const solicited = !isMulticast(packet.dst);
  const change = ns.neighbours.learn(device.name, transport.target, transport.linkLayer, {
    create: false,
    solicited,
    override: true,
  });
  record(skb, device, "learn", transport, change);
  skb.track?.verdict("delivered");
}

function answer(ns: NetworkNamespace, device: Device, skb: Skb, transport: NeighbourDiscovery): void {
  const { target } = transport;
  const { src } = skb.packet;
  const answers = answersFor(ns, device, target);
  if (answers === "no") {
    record(skb, device, "ignore", transport);
    return drop(skb, "OTHER_HOST", "The question is for another host.");
  }
  const waits = answers === "proxy" && skb.packetType !== "host" ? proxyDelay(ns, device, src, target) : 0;
  if (waits > 0) return void ns.surroundings.clock.after(waits, () => advertise(ns, device, skb, transport));
  advertise(ns, device, skb, transport);
}

/** Nanoseconds that an answer for somebody else waits: a random part of proxy_delay (hundredths of a second). */
function proxyDelay(ns: NetworkNamespace, device: Device, src: Address, target: Address): number {
  const delay = ns.sysctls.get(`net.ipv6.neigh.${device.name}.proxy_delay`) * 10;
  const id = `${ns.name}/proxy-ndp/${device.name}/${formatAddress(src)}/${formatAddress(target)}`;
  return ns.surroundings.chance.integer(id, Math.max(1, delay)) * nanosPerMilli;
}

function advertise(ns: NetworkNamespace, device: Device, skb: Skb, transport: NeighbourDiscovery): void {
  const { target, linkLayer } = transport;
  const { src } = skb.packet;
  const probe = src === unspecified.ipv6;
  const change = probe
    ? undefined
    : ns.neighbours.learn(device.name, src, linkLayer, { create: true, solicited: false, override: true });
  record(skb, device, "answer", transport, change);
  skb.track?.verdict("delivered");
  const allNodes = ipv6((0xff02n << 112n) | 1n);
  const reply: NeighbourDiscovery = { ...transport, kind: "neighbour-advertisement", linkLayer: device.mac };
  const track = skb.track?.flow.packet("reply", 1, skb.track.cause("answer to the question"));
  send(ns, device, target, probe ? allNodes : src, reply, track);
}

/** For its own addresses, and with proxy_ndp for those that somebody named (`ip neigh add proxy`). */
function answersFor(ns: NetworkNamespace, device: Device, target: Address): "no" | "own" | "proxy" {
  if (device.addresses.some((entry) => entry.address === target)) return "own";
  const settings = ns.sysctls.device(device.name);
  if (!settings.proxyNdp || !settings.forwarding6) return "no";
  return ns.neighbours.isProxy(device.name, target) ? "proxy" : "no";
}

function record(
  skb: Skb,
  device: Device,
  action: "learn" | "ignore" | "answer",
  { target, linkLayer }: NeighbourDiscovery,
  change?: ReturnType<NetworkNamespace["neighbours"]["learn"]>,
): void {
  skb.track?.step({
    kind: "neighbour",
    action,
    address: formatAddress(target),
    device: device.name,
    mac: action === "answer" ? device.mac : linkLayer,
    ...(change && { stateChanges: [change] }),
  });
}
