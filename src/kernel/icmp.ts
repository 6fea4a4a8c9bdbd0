import { type Address, formatAddress, isIPv4, isMulticast, unspecified } from "../wire/address.ts";
import { type IcmpEcho, type IcmpError, type NeighbourDiscovery, type Packet, packetBytes } from "../wire/packet.ts";
import { nanosPerMilli } from "./clock.ts";
import type { Device } from "./device.ts";
import type { KernelDropCode } from "./drop-codes.ts";
import { drop } from "./drop.ts";
import { sendPacket } from "./ip/output.ts";
import { learnPathMtu } from "./ip/path-mtu.ts";
import { allowsIcmp, allowsRedirect, allowsRouteError, redirected } from "./ip/peer.ts";
import { takeRedirect } from "./ip/redirect.ts";
import { redirect6, takeRedirect6 } from "./ip/redirect6.ts";
import { lookupOutput } from "./ip/route.ts";
import { isOwnAddress, selectIPv6, sourceForRoute } from "./ip/source-address.ts";
import { nextIdentification } from "./ip/state.ts";
import type { NetworkNamespace } from "./namespace.ts";
import { receiveNeighbourDiscovery } from "./ndp.ts";
import { type RoutedTo, type Skb, kernelSocket } from "./skb.ts";
import { deliverIcmpError } from "./socket/deliver.ts";
import { defaultTtl } from "./socket/local-end.ts";

export interface IcmpMessage {
  readonly type: number;
  readonly code: number;
  /** Next-hop MTU, bytes. */
  readonly mtu?: number;
  /** The better gateway of a redirect. */
  readonly gateway?: Address;
}

/**
 * Answers a packet with an ICMP error where the kernel would: never to errors, groups or later fragments, and
 * not above the rate limit. False when none was sent. __icmp_send(), icmp6_send().
 */
export function sendIcmpError(ns: NetworkNamespace, skb: Skb, message: IcmpMessage): boolean {
  const { packet } = skb;
  const why = silence(skb, packet);
  if (why !== undefined) return suppress(skb, message, why);
  const src = errorSource(ns, skb);
  if (src === undefined) return suppress(skb, message, "there is no address to send it from");
  if (!rateAllows(ns, packet.src, message)) return suppress(skb, message, "too many were sent to this host lately");
  return sendError(ns, skb, message, src);
}

/** Ends a packet with an ICMP error: the verdict is `rejected` when it was sent, else `dropped`. */
export function reject(ns: NetworkNamespace, skb: Skb, code: KernelDropCode, message: IcmpMessage): void {
  drop(skb, code);
  if (sendIcmpError(ns, skb, message)) skb.track?.verdict("rejected");
}

/**
 * Ends a packet that no route takes. Besides the common limit these errors have one of their own in IPv4 (ip_error).
 */
export function rejectUnrouted(ns: NetworkNamespace, skb: Skb, code: KernelDropCode, message: IcmpMessage): void {
  const { src } = skb.packet;
  if (!isIPv4(src) || allowsRouteError(ns, src)) return reject(ns, skb, code, message);
  drop(skb, code);
  suppress(skb, message, "too many were sent to this host lately");
}

/** Nobody answered for the next hop: host unreachable to the sender (ipv4_link_failure, ip6_link_failure). */
export function linkFailure(ns: NetworkNamespace, skb: Skb): void {
  const message = isIPv4(skb.packet.src) ? { type: 3, code: 1 } : { type: 1, code: 3 };
  // By then the kernel sends nothing else any more.
  const later = skb.socket === kernelSocket ? { ...skb, socket: undefined } : skb;
  if (sendIcmpError(ns, later, message)) skb.track?.verdict("rejected");
}

/** Why no error may answer this packet; undefined: one may. */
function silence(skb: Skb, packet: Packet): string | undefined {
  const v4 = isIPv4(packet.src);
  if (skb.packetType === "broadcast" || skb.packetType === "multicast" || skb.packetType === "other-host") {
    return "the frame was not addressed to this host alone";
  }
  if (skb.route?.kind === "broadcast" || skb.route?.kind === "multicast" || isMulticast(packet.dst)) {
    return "the packet was addressed to a group";
  }
  if (isMulticast(packet.src) || packet.src === unspecified.ipv4 || packet.src === unspecified.ipv6) {
    return "the source is no host's address";
  }
  if (v4 && (packet.fragment?.offset ?? 0) > 0) return "only the first fragment is answered";
  const { transport } = packet;
  const icmp = transport.protocol === (v4 ? "icmp" : "icmpv6");
  // The processor's ICMP socket is locked while it sends this very message (icmp_xmit_lock).
  if (icmp && skb.socket === kernelSocket) return "the kernel is just sending an ICMP message itself";
  return icmp && transport.kind === "error" ? "an ICMP error is never answered with one" : undefined;
}

function suppress(skb: Skb, { type, code }: IcmpMessage, reason: string): false {
  skb.track?.step({ kind: "icmp", action: "suppress", type, code, reason, text: `No ICMP error is sent: ${reason}.` });
  return false;
}

/** The address that was asked, when it is ours; else the one the route back to the sender prefers. */
function errorSource(ns: NetworkNamespace, skb: Skb): Address | undefined {
  const { src, dst } = skb.packet;
  if (isIPv4(dst) ? skb.route?.kind === "local" : isOwnAddress(ns, dst)) return dst;
  const back = lookupOutput(ns, { dst: src, mark: 0 });
  if (back.kind === "none") return undefined;
  // IPv6 would have an address of the device that the packet came in by (icmp6_send).
  const by = skb.route?.redirect === true ? skb.route.device : skb.inDevice;
  return isIPv4(src) || by === undefined || back.to.route.source !== undefined
    ? sourceForRoute(ns, back.to, src)
    : selectIPv6(ns, by, src);
}

/** What is limited per destination: icmpv4_xrlim_allow(), icmpv6_xrlim_allow(). */
function rateAllows(ns: NetworkNamespace, to: Address, { type, code }: IcmpMessage): boolean {
  const v4 = isIPv4(to);
  const fib = ns.fib[v4 ? "ipv4" : "ipv6"];
  if (v4 && ((ns.sysctls.get("net.ipv4.icmp_ratemask") >> type) % 2 === 0 || (type === 3 && code === 4))) return true;
  if ((!v4 && type === 2) || fib.lookupIn("local", to)?.type === "local") return true;
  const limit = ns.sysctls.get(v4 ? "net.ipv4.icmp_ratelimit" : "net.ipv6.icmp.ratelimit") * nanosPerMilli;
  if (v4) return allowsIcmp(ns, to, limit);
  // A network may be told more than a host.
  const length = fib.lookup({ dst: to, mark: 0 })?.route.destination.prefixLength ?? 0;
  return allowsIcmp(ns, to, limit / 2 ** ((128 - length) >> 5));
}

function sendError(ns: NetworkNamespace, skb: Skb, message: IcmpMessage, src: Address): boolean {
  const { packet, track } = skb;
  const v4 = isIPv4(packet.src);
  const room = v4 ? 576 - 28 : 1280 - 48;
  const transport: IcmpError = {
    protocol: v4 ? "icmp" : "icmpv6",
    kind: "error",
    type: message.type,
    code: message.code,
    ...(message.mtu !== undefined && { mtu: message.mtu }),
    ...(message.gateway !== undefined && { gateway: message.gateway }),
    quoted: packet,
  };
  track?.step({
    kind: "icmp",
    action: "send",
    type: message.type,
    code: message.code,
    reason: icmpName(v4, message),
    text: `${formatAddress(src)} tells ${formatAddress(packet.src)}: ${icmpName(v4, message)}.`,
  });
  const child = track?.child("ICMP error", track.packet.direction === "original" ? "reply" : "original");
  const { conntrack } = skb;
  // The error belongs to the connection of its cause, the other way round (nf_ct_attach).
  const related: Skb["conntrack"] = conntrack && {
    entry: conntrack.entry,
    direction: conntrack.direction === "original" ? "reply" : "original",
    state: "related",
  };
  const error: Packet = {
    kind: "ip",
    src,
    dst: packet.src,
    ttl: defaultTtl(ns, v4 ? "ipv4" : "ipv6"),
    dontFragment: !v4,
    // Errors are internetwork control (RFC 1812, 4.3.2.5).
    ...(v4 && { tos: 0xc0 | ((packet.tos ?? 0) & 0x1e) }),
    id: nextIdentification(ns.ip),
    transport,
    payload: { kind: "bytes", length: Math.min(room, packetBytes(packet)) },
  };
  sendPacket(ns, error, { socket: kernelSocket, flowKey: `${skb.flowKey}/icmp`, track: child, conntrack: related });
  return true;
}

/** What an ICMP error says, in the words of the RFCs. */
export function icmpName(v4: boolean, { type, code, mtu }: IcmpMessage): string {
  const known = v4 ? names4[`${type}/${code}`] : names6[`${type}/${code}`];
  return `${known ?? `ICMP type ${type}, code ${code}`}${mtu === undefined ? "" : `, MTU ${mtu}`}`;
}

const names4: Readonly<Record<string, string>> = {
  "3/0": "network unreachable",
  "3/1": "host unreachable",
  "3/2": "protocol unreachable",
  "3/3": "port unreachable",
  "3/4": "fragmentation needed",
  "3/9": "network prohibited",
  "3/10": "host prohibited",
  "3/13": "communication prohibited by filter",
  "5/1": "a better gateway exists",
  "11/0": "time to live exceeded",
  "11/1": "reassembly time exceeded",
};
const names6: Readonly<Record<string, string>> = {
  "1/0": "no route to the destination",
  "1/1": "communication prohibited",
  "1/2": "beyond the scope of the source address",
  "1/3": "address unreachable",
  "1/4": "port unreachable",
  "2/0": "packet too big",
  "3/0": "hop limit exceeded",
  "3/1": "reassembly time exceeded",
  "137/0": "a better first hop exists",
};

/** Tells a neighbour of a better first hop, ever more rarely: ip_rt_send_redirect(). */
export function sendRedirect(ns: NetworkNamespace, skb: Skb, to: RoutedTo): void {
  const { src } = skb.packet;
  if (!allowsRedirect(ns, src)) return;
  skb.track?.step({
    kind: "icmp",
    action: "send",
    type: 5,
    code: 1,
    reason: "the packet leaves by the device it came in by",
    text: `${formatAddress(src)} could go to ${formatAddress(to.nextHop)} by itself: the node tells it so.`,
  });
  sendIcmpError(ns, skb, { type: 5, code: 1, gateway: to.nextHop });
  redirected(ns, src);
}

/** An ICMP message for this namespace: icmp_rcv(), icmpv6_rcv(). */
export function receiveIcmp(
  ns: NetworkNamespace,
  device: Device,
  skb: Skb,
  transport: IcmpEcho | IcmpError | NeighbourDiscovery,
): void {
  switch (transport.kind) {
    case "echo-request":
      return answerEcho(ns, skb, transport);
    case "error":
      return receiveError(ns, device, skb, transport);
    case "neighbour-solicitation":
    case "neighbour-advertisement":
      return receiveNeighbourDiscovery(ns, device, skb, transport);
    case "echo-reply":
      return drop(skb, "ICMP_IGNORED");
  }
}

function answerEcho(ns: NetworkNamespace, skb: Skb, transport: IcmpEcho): void {
  const { packet, track } = skb;
  const v4 = isIPv4(packet.src);
  if (ns.sysctls.get(v4 ? "net.ipv4.icmp_echo_ignore_all" : "net.ipv6.icmp.echo_ignore_all") !== 0) {
    return drop(skb, "ICMP_IGNORED");
  }
  if (skb.route?.kind !== "local") return drop(skb, "ICMP_IGNORED");
  const type = v4 ? 8 : 128;
  track?.step({
    kind: "icmp",
    action: "echo",
    type,
    code: 0,
    reason: "echo request",
    text: "The kernel answers the ping.",
  });
  track?.verdict("delivered");
  const reply: Packet = {
    ...packet,
    src: packet.dst,
    dst: packet.src,
    ttl: defaultTtl(ns, v4 ? "ipv4" : "ipv6"),
    dontFragment: !v4,
    id: nextIdentification(ns.ip),
    transport: { ...transport, kind: "echo-reply" },
  };
  sendPacket(ns, reply, {
    socket: kernelSocket,
    flowKey: `${skb.flowKey}/reply`,
    track: track?.flow.packet("reply", 1, track.cause("answer to the ping")),
  });
}

function receiveError(ns: NetworkNamespace, device: Device, skb: Skb, transport: IcmpError): void {
  const { packet, track } = skb;
  const v4 = isIPv4(packet.src);
  const { type, code, quoted } = transport;
  track?.step({
    kind: "icmp",
    action: "receive",
    type,
    code,
    reason: icmpName(v4, transport),
    text: `${formatAddress(packet.src)} says about the packet to ${formatAddress(quoted.dst)}: ${icmpName(v4, transport)}.`,
  });
  const tooBig = v4 ? type === 3 && code === 4 : type === 2;
  if (tooBig && transport.mtu !== undefined) learnPathMtu(ns, quoted.dst, transport.mtu);
  if (!v4 && type === redirect6) takeRedirect6(ns, device, skb, transport);
  if (v4 && type === 5 && transport.gateway !== undefined) takeRedirect(ns, device, skb, transport, transport.gateway);
  track?.verdict("delivered");
  deliverIcmpError(ns, packet);
}
