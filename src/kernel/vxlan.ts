import { type Address, familyOf, formatAddress, isMulticast } from "../wire/address.ts";
import { type Mac, isGroupMac, zeroMac } from "../wire/mac.ts";
import { type Frame, type Packet, hasPorts } from "../wire/packet.ts";
import type { VxlanDevice, VxlanFdbEntry } from "./device.ts";
import { drop } from "./drop.ts";
import { sendPacket } from "./ip/output.ts";
import { selectSource } from "./ip/route.ts";
import { nextIdentification } from "./ip/state.ts";
import type { NetworkNamespace } from "./namespace.ts";
import { receiveOnDevice } from "./receive.ts";
import { type ArpSkb, type Skb, createSkb, isArp, tunnelDepth, tunnelLimit } from "./skb.ts";
import { defaultTtl } from "./socket/local-end.ts";

/**
 * Wraps a frame into UDP and sends it as a packet of the node's own: vxlan_xmit(), RFC 7348. Where an inner MAC
 * lives stands in the device's FDB; the all-zero entry takes the rest. Of several remote ends each gets a copy, the
 * first one last.
 */
export function transmitVxlan(ns: NetworkNamespace, device: VxlanDevice, skb: Skb | ArpSkb): void {
  const dstMac = skb.dstMac as Mac;
  const entry = (isGroupMac(dstMac) ? undefined : lookup(ns, device, dstMac)) ?? device.fdb.get(zeroMac);
  if (entry === undefined) {
    return drop(skb, "TUNNEL_NO_REMOTE", `${device.name} does not know where ${dstMac} lives.`);
  }
  if (tunnelDepth(skb) >= tunnelLimit) return drop(skb, "TUNNEL_LOOP");
  const { isBound: _isBound, ...unbound } = entry;
  for (const remote of entry.others ?? []) encapsulate(ns, device, skb, remote, unbound);
  encapsulate(ns, device, skb, entry.remote, entry);
}

/** What was learned ages like a bridge's entries (vxlan_cleanup). */
function lookup(ns: NetworkNamespace, device: VxlanDevice, mac: Mac): VxlanFdbEntry | undefined {
  const entry = device.fdb.get(mac);
  if (entry?.seenNanos === undefined) return entry;
  if (ns.surroundings.clock.nowNanos() - entry.seenNanos <= device.ageingNanos) return entry;
  device.fdb.delete(mac);
  return undefined;
}

function encapsulate(
  ns: NetworkNamespace,
  device: VxlanDevice,
  skb: Skb | ArpSkb,
  remote: Address,
  entry: VxlanFdbEntry,
): void {
  const { lower } = device;
  const bound = lower === undefined || entry.isBound !== true ? {} : { device: lower };
  const local = device.local ?? selectSource(ns, remote, bound);
  if (local === undefined) {
    return drop(skb, "TUNNEL_NO_REMOTE", `No route leads to ${formatAddress(remote)}, where ${device.name} sends it.`);
  }
  const frame: Frame = {
    srcMac: skb.srcMac as Mac,
    dstMac: skb.dstMac as Mac,
    body: isArp(skb) ? skb.arp : skb.packet,
  };
  const inner = isArp(skb) ? undefined : skb.packet;
  const outer: Packet = {
    kind: "ip",
    src: local,
    dst: remote,
    ttl: outerTtl(ns, device, remote, inner),
    dontFragment:
      typeof remote === "bigint" || device.df === "set" || (device.df === "inherit" && inner?.dontFragment === true),
    id: nextIdentification(ns.ip),
    transport: { protocol: "udp", srcPort: sourcePort(ns, device, hashed(skb, frame)), dstPort: device.dstPort },
    payload: { kind: "vxlan", vni: device.vni, frame },
  };
  const { track } = skb;
  track?.step({
    kind: "tunnel",
    action: "encapsulate",
    tunnel: device.name,
    local: formatAddress(local),
    remote: formatAddress(remote),
    vni: device.vni,
    ...(entry.owner && { owner: entry.owner }),
  });
  sendPacket(ns, outer, {
    flowKey: `${skb.flowKey}/vxlan`,
    track: track?.child("outer packet of the tunnel"),
    ...bound,
    inner: skb,
    tunnel: device,
    // It is the same packet to the kernel: its mark chooses the outer route, and stays, and so does its socket.
    ...(!isArp(skb) && { mark: skb.mark, ...(skb.socket && { socket: skb.socket }) }),
  });
}

function outerTtl(ns: NetworkNamespace, { ttl }: VxlanDevice, remote: Address, inner: Packet | undefined): number {
  if (ttl === "inherit" && inner !== undefined) return inner.ttl;
  if (typeof ttl === "number") return ttl;
  if (isMulticast(remote)) return 1;
  return defaultTtl(ns, familyOf(remote));
}

/** A tunnel's own packet in a tunnel keeps the hash of a flow inside, if ports went into it (skb->l4_hash). */
function hashed(skb: Skb | ArpSkb, frame: Frame): Frame {
  let found = frame;
  for (let at = skb; !isArp(at) && at.inner !== undefined;) {
    at = at.inner;
    if (!isArp(at) && hasPorts(at.packet.transport)) found = { ...frame, body: at.packet };
  }
  return found;
}

/** udp_flow_src_port(): one port per inner flow, from the local port range. */
function sourcePort(ns: NetworkNamespace, { srcPorts }: VxlanDevice, frame: Frame): number {
  const first = srcPorts?.first ?? ns.sysctls.get("net.ipv4.ip_local_port_range.min");
  const end = srcPorts?.end ?? ns.sysctls.get("net.ipv4.ip_local_port_range.max");
  return first + ns.surroundings.chance.integer(`vxlan-port/${flowOf(frame)}`, Math.max(1, end - first));
}

function flowOf({ srcMac, dstMac, body }: Frame): string {
  if (body.kind === "arp") return `${srcMac} ${dstMac}`;
  const { src, dst, transport } = body;
  const ports = hasPorts(transport) ? `${transport.srcPort} ${transport.dstPort}` : "";
  return `${transport.protocol} ${formatAddress(src)} ${formatAddress(dst)} ${ports}`;
}

/** The device that takes an outer packet. */
export function vxlanFor(ns: NetworkNamespace, outer: Packet, vni: number): VxlanDevice | undefined {
  const { transport } = outer;
  if (transport.protocol !== "udp") return undefined;
  for (const device of ns.devices.values()) {
    if (device.kind !== "vxlan" || device.vni !== vni || device.dstPort !== transport.dstPort || !device.up) continue;
    // A group is heard by those who joined it.
    if (!isMulticast(outer.dst) || device.group === outer.dst) return device;
  }
  return undefined;
}

/** Whether some tunnel device holds the port: then a packet for a network that none has is lost without a word. */
export function vxlanListens(ns: NetworkNamespace, { transport }: Packet): boolean {
  if (transport.protocol !== "udp") return false;
  for (const device of ns.devices.values()) {
    if (device.kind === "vxlan" && device.up && device.dstPort === transport.dstPort) return true;
  }
  return false;
}

/** Takes the inner frame out: vxlan_rcv(). It comes in by the tunnel device as from a wire. */
export function receiveVxlan(ns: NetworkNamespace, device: VxlanDevice, skb: Skb): void {
  const { payload, src } = skb.packet;
  if (payload.kind !== "vxlan") return;
  const { frame } = payload;
  skb.track?.step({
    kind: "tunnel",
    action: "decapsulate",
    tunnel: device.name,
    local: formatAddress(skb.packet.dst),
    remote: formatAddress(src),
    vni: device.vni,
  });
  if (frame.srcMac === device.mac) return drop(skb, "TUNNEL_LOOP", `The frame is ${device.name}'s own.`);
  if (!learnRemote(ns, device, frame.srcMac, src)) {
    return drop(skb, "TUNNEL_NO_REMOTE", `${frame.srcMac} lives elsewhere, says a static entry of ${device.name}.`);
  }
  skb.track?.verdict("delivered");
  const inner = innerSkb(skb, frame);
  inner.track?.enter(
    { namespace: ns.name, ...(ns.node !== undefined && { node: ns.node }), device: device.name },
    {
      body: frame.body,
      srcMac: frame.srcMac,
      dstMac: frame.dstMac,
      ...(!isArp(inner) && inner.mark !== 0 && { mark: inner.mark }),
    },
  );
  receiveOnDevice(ns, device, inner);
}

/** vxlan_snoop(): false when a static entry says that the MAC lives elsewhere. */
function learnRemote(ns: NetworkNamespace, device: VxlanDevice, mac: Mac, remote: Address): boolean {
  if (!device.learning) return true;
  const known = lookup(ns, device, mac);
  const seenNanos = ns.surroundings.clock.nowNanos();
  if (known?.remote === remote) {
    if (known.seenNanos !== undefined) known.seenNanos = seenNanos;
    return true;
  }
  if (known !== undefined && known.seenNanos === undefined) return false;
  device.fdb.set(mac, { mac, remote, seenNanos });
  return true;
}

function innerSkb({ inner, flowKey, track, mark }: Skb, { srcMac, dstMac, body }: Frame): Skb | ArpSkb {
  const recorder = inner?.track ?? track?.child("inner frame of the tunnel");
  const key = inner?.flowKey ?? flowKey;
  if (body.kind === "arp") return { arp: body, srcMac, dstMac, flowKey: key, track: recorder };
  const datagram = inner && !isArp(inner) ? inner.datagram : undefined;
  return createSkb({ packet: body, srcMac, dstMac, mark, flowKey: key, track: recorder, datagram });
}
