import { type Address, formatAddress, isIPv4, isMulticast } from "../wire/address.ts";
import { zeroMac } from "../wire/mac.ts";
import { type IcmpError, type Packet, packetBytes } from "../wire/packet.ts";
import { nanosPerSecond } from "./clock.ts";
import type { IpipDevice } from "./device.ts";
import { drop } from "./drop.ts";
import { reject, sendIcmpError } from "./icmp.ts";
import { sendPacket } from "./ip/output.ts";
import { learnPathMtu, pathMtu } from "./ip/path-mtu.ts";
import { lookupOutput } from "./ip/route.ts";
import { sourceForRoute } from "./ip/source-address.ts";
import { nextIdentification } from "./ip/state.ts";
import type { NetworkNamespace } from "./namespace.ts";
import { receiveOnDevice } from "./receive.ts";
import { type Skb, createSkb, isArp, tunnelDepth, tunnelLimit } from "./skb.ts";

/** Number of the protocol, 4: a packet in a packet. */
export const ipipProtocol = 4;
/** Length of the outer header, bytes. */
const outerBytes = 20;
/** How long an error about the remote end is passed on to senders: IPTUNNEL_ERR_TIMEO. */
const errorNanos = 30 * nanosPerSecond;

/**
 * Wraps a packet into another IP header: ip_tunnel_xmit(), RFC 2003. Without a fixed remote end the gateway of
 * the inner route is the remote end, as Calico uses it.
 */
export function transmitIpip(ns: NetworkNamespace, device: IpipDevice, skb: Skb): void {
  if (!isIPv4(skb.packet.dst)) return drop(skb, "TUNNEL_NO_REMOTE", `${device.name} carries IPv4 only.`);
  const remote = device.remote ?? skb.route?.nextHop;
  const way = {
    mark: 0,
    ...(device.local !== undefined && { src: device.local }),
    ...(device.lower !== undefined && { device: device.lower }),
  };
  const routed = remote === undefined ? undefined : lookupOutput(ns, { ...way, dst: remote });
  if (remote === undefined || routed?.kind !== "routed") return drop(skb, "TUNNEL_NO_REMOTE");
  if (routed.to.device === device || tunnelDepth(skb) >= tunnelLimit) return drop(skb, "TUNNEL_LOOP");
  const local = device.local ?? sourceForRoute(ns, routed.to, remote);
  if (local === undefined) return drop(skb, "TUNNEL_NO_REMOTE");
  const dontFragment = !device.inheritsDf || skb.packet.dontFragment;
  const mtu = dontFragment ? pathMtu(ns, remote, routed.to) - outerBytes : pathMtu(ns, skb.packet.dst, skb.route);
  if (!fits(ns, skb, mtu)) return;
  reportFailure(ns, device, skb);
  skb.track?.step({
    kind: "tunnel",
    action: "encapsulate",
    tunnel: device.name,
    local: formatAddress(local),
    remote: formatAddress(remote),
  });
  const outer: Packet = {
    kind: "ip",
    src: local,
    dst: remote,
    ttl: device.ttl ?? skb.packet.ttl,
    dontFragment,
    id: nextIdentification(ns.ip),
    transport: { protocol: "other", number: ipipProtocol },
    payload: { kind: "ip", packet: skb.packet },
  };
  sendPacket(ns, outer, {
    flowKey: `${skb.flowKey}/ipip`,
    track: skb.track?.child("outer packet of the tunnel"),
    ...(device.lower !== undefined && { device: device.lower }),
    inner: skb,
    tunnel: device,
    mark: skb.mark,
    ...(skb.socket && { socket: skb.socket }),
  });
}

/** Whether a packet goes through; a longer one with DF is answered as a router would. tnl_update_pmtu(). */
function fits(ns: NetworkNamespace, skb: Skb, mtu: number): boolean {
  const { packet, conntrack } = skb;
  learnPathMtu(ns, packet.dst, mtu);
  if (!packet.dontFragment || packetBytes(packet) <= mtu) return true;
  // The error goes to whom the packet came from before SNAT (icmp_ndo_send).
  if (conntrack?.entry.nat.src === true) skb.packet = { ...packet, src: conntrack.entry[conntrack.direction].src };
  reject(ns, skb, "MTU_EXCEEDED", { type: 3, code: 4, mtu });
  return false;
}

/** Each error that came about the remote end is told once to who sends, though the packet leaves all the same. */
function reportFailure(ns: NetworkNamespace, device: IpipDevice, skb: Skb): void {
  if (device.errors === 0) return;
  const isFresh = ns.surroundings.clock.nowNanos() < device.errorNanos + errorNanos;
  device.errors = isFresh ? device.errors - 1 : 0;
  if (isFresh) sendIcmpError(ns, skb, { type: 3, code: 1 });
}

/** An ICMP error about an outer packet from here: ipip_err(). What it says of the path MTU is known already. */
export function receiveIpipError(ns: NetworkNamespace, quoted: Packet, { type, code }: IcmpError): void {
  const device = tunnelFor(ns, quoted.dst, quoted.src);
  const isUnreachable = type === 3 && code !== 4 && code !== 5;
  if (device?.remote === undefined || !(isUnreachable || (type === 11 && code === 0 && device.ttl !== undefined)))
    return;
  const now = ns.surroundings.clock.nowNanos();
  device.errors = now < device.errorNanos + errorNanos ? device.errors + 1 : 1;
  device.errorNanos = now;
}

/** Takes the inner packet out: ipip_rcv(). */
export function receiveIpip(ns: NetworkNamespace, skb: Skb, packet: Packet): void {
  const { src, dst } = skb.packet;
  const device = tunnelFor(ns, src, dst);
  if (device === undefined) {
    // The module answers for the protocol (tunnel4_rcv); where it is not loaded nobody knows the protocol.
    const hasModule = ipipDevices(ns).length > 0;
    return reject(ns, skb, "TUNNEL_NO_DEVICE", { type: 3, code: hasModule ? 3 : 2 });
  }
  skb.track?.step({
    kind: "tunnel",
    action: "decapsulate",
    tunnel: device.name,
    remote: formatAddress(src),
  });
  skb.track?.verdict("delivered");
  const { inner } = skb;
  const taken = createSkb({
    packet,
    mark: skb.mark,
    flowKey: inner?.flowKey ?? skb.flowKey,
    srcMac: zeroMac,
    dstMac: zeroMac,
    track: inner?.track ?? skb.track?.child("inner packet of the tunnel"),
    ...(inner && !isArp(inner) && { datagram: inner.datagram }),
  });
  taken.track?.enter(
    { namespace: ns.name, ...(ns.node !== undefined && { node: ns.node }), device: device.name },
    { body: packet, ...(skb.mark !== 0 && { mark: skb.mark }) },
  );
  receiveOnDevice(ns, device, taken);
}

function ipipDevices(ns: NetworkNamespace): readonly IpipDevice[] {
  return [...ns.devices.values()].filter((device): device is IpipDevice => device.kind === "ipip");
}

/**
 * The device for what came from `remote` to `local`: both ends, then the remote one, then the local one. A device
 * without ends takes nothing, but the module's own `tunl0` takes the rest. ip_tunnel_lookup().
 */
function tunnelFor(ns: NetworkNamespace, remote: Address, local: Address): IpipDevice | undefined {
  const tunnels = ipipDevices(ns).filter(({ up }) => up);
  return (
    tunnels.find((own) => own.remote === remote && own.local === local) ??
    tunnels.find((own) => own.remote === remote && own.local === undefined) ??
    tunnels.find((own) => own.remote === undefined && own.local === local) ??
    tunnels.find((own) => own.remote === local && isMulticast(local)) ??
    tunnels.find(isFallback)
  );
}

/** The device that the kernel makes when it loads ipip (ip_tunnel_init_net). */
export function isFallback({ name, local, remote }: Pick<IpipDevice, "name" | "local" | "remote">): boolean {
  return name === "tunl0" && local === undefined && remote === undefined;
}
