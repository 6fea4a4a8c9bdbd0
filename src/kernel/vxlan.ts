import { type Address, formatAddress } from "../wire/address.ts";
import { type Mac, isGroupMac } from "../wire/mac.ts";
import { type Frame, type Packet, hasPorts } from "../wire/packet.ts";
import type { VxlanDevice } from "./device.ts";
import { drop } from "./drop.ts";
import { sendPacket } from "./ip/output.ts";
import { nextIdentification } from "./ip/state.ts";
import type { NetworkNamespace } from "./namespace.ts";
import { receiveOnDevice } from "./receive.ts";
import { type ArpSkb, type Skb, createSkb, isArp, tunnelDepth, tunnelLimit } from "./skb.ts";

/**
 * Wraps a frame into UDP and sends it as a packet of the node's own: vxlan_xmit(), RFC 7348. Where an inner MAC
 * lives stands in the device's FDB; the all-zero entry takes the rest.
 */
export function transmitVxlan(ns: NetworkNamespace, device: VxlanDevice, skb: Skb | ArpSkb): void {
  const dstMac = skb.dstMac as Mac;
  const remote =
    (isGroupMac(dstMac) ? undefined : device.fdb.get(dstMac)) ?? device.fdb.get("00:00:00:00:00:00" as Mac);
  if (remote === undefined) {
    return drop(skb, "TUNNEL_NO_REMOTE", `${device.name} does not know where ${dstMac} lives.`);
  }
  if (tunnelDepth(skb) >= tunnelLimit) return drop(skb, "TUNNEL_LOOP");
  const frame: Frame = { srcMac: skb.srcMac as Mac, dstMac, body: isArp(skb) ? skb.arp : skb.packet };
  const v4 = typeof device.local === "number";
  const outer: Packet = {
    kind: "ip",
    src: device.local,
    dst: remote.remote,
    ttl: device.ttl ?? ns.sysctls.get("net.ipv4.ip_default_ttl"),
    dontFragment: !v4,
    id: nextIdentification(ns.ip),
    transport: { protocol: "udp", srcPort: sourcePort(ns, frame), dstPort: device.dstPort },
    payload: { kind: "vxlan", vni: device.vni, frame },
  };
  const { track } = skb;
  track?.step({
    kind: "tunnel",
    action: "encapsulate",
    tunnel: device.name,
    local: formatAddress(device.local),
    remote: formatAddress(remote.remote),
    vni: device.vni,
    ...(remote.owner && { owner: remote.owner }),
  });
  sendPacket(ns, outer, {
    flowKey: `${skb.flowKey}/vxlan`,
    track: track?.child("outer packet of the tunnel"),
    ...(device.lower !== undefined && { device: device.lower }),
    inner: skb,
    tunnel: device,
    // It is the same packet to the kernel: its mark chooses the outer route, and stays (skb_scrub_packet).
    ...(!isArp(skb) && { mark: skb.mark }),
  });
}

/** udp_flow_src_port(): one port per inner flow, from the local port range. */
function sourcePort(ns: NetworkNamespace, frame: Frame): number {
  const min = ns.sysctls.get("net.ipv4.ip_local_port_range.min");
  const max = ns.sysctls.get("net.ipv4.ip_local_port_range.max");
  return min + ns.surroundings.chance.integer(`vxlan-port/${flowOf(frame)}`, max - min);
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
    if (device.kind === "vxlan" && device.vni === vni && device.dstPort === transport.dstPort && device.up)
      return device;
  }
  return undefined;
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
    local: formatAddress(device.local),
    remote: formatAddress(src),
    vni: device.vni,
  });
  skb.track?.verdict("delivered");
  learnRemote(device, frame.srcMac, src);
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

function learnRemote(device: VxlanDevice, mac: Mac, remote: Address): void {
  if (device.learning && !device.fdb.has(mac)) device.fdb.set(mac, { mac, remote });
}

function innerSkb({ inner, flowKey, track, mark }: Skb, { srcMac, dstMac, body }: Frame): Skb | ArpSkb {
  const recorder = inner?.track ?? track?.child("inner frame of the tunnel");
  const key = inner?.flowKey ?? flowKey;
  if (body.kind === "arp") return { arp: body, srcMac, dstMac, flowKey: key, track: recorder };
  return createSkb({ packet: body, srcMac, dstMac, mark, flowKey: key, track: recorder });
}
