import type { PacketRecorder } from "../../trace/recorder.ts";
import { type Address, familyOf, formatAddress, isLinkLocal, isMulticast } from "../../wire/address.ts";
import { type Mac, broadcastMac, zeroMac } from "../../wire/mac.ts";
import { type Packet, packetBytes } from "../../wire/packet.ts";
import type { Device } from "../device.ts";
import { drop } from "../drop.ts";
import { linkFailure, reject } from "../icmp.ts";
import type { NetworkNamespace } from "../namespace.ts";
import { type HookState, type HookVerdict, settleHook } from "../netfilter.ts";
import { type RoutedTo, type Skb, type SkbSocket, createSkb } from "../skb.ts";
import type { PmtuDiscovery, SocketError } from "../socket/api.ts";
import { transmit } from "../transmit.ts";
import { transmitFragments } from "./fragment-output.ts";
import { recordRoute } from "./input.ts";
import { forwardMtu, isMtuLocked, pathMtu } from "./path-mtu.ts";
import { lookupOutput } from "./route.ts";

export interface SendOptions {
  readonly socket?: SkbSocket;
  readonly mark?: number;
  readonly flowKey: string;
  readonly track?: PacketRecorder | undefined;
  /** Decides DF and EMSGSIZE; absent: the packet's own DF holds. */
  readonly pmtuDiscovery?: PmtuDiscovery;
  /** SO_BINDTODEVICE. */
  readonly device?: string;
  /** The route was looked up before the source address was chosen, and is not again: no rule sees that address. */
  readonly isUnbound?: boolean;
  /** The connection it belongs to, for packets the kernel answers with (nf_ct_attach). */
  readonly conntrack?: Skb["conntrack"];
  /** A tunnel's outer packet: the packet inside, and the tunnel's device, which POSTROUTING shows as `in`. */
  readonly inner?: Skb["inner"];
  readonly tunnel?: Device;
  /** Neighbour discovery: POSTROUTING shows the device it leaves by as `in`, too (ndisc_alloc_skb). */
  readonly isDiscovery?: true;
}

/**
 * Sends a packet made in this namespace: route, OUTPUT, POSTROUTING, neighbour, device. Returns what the send
 * call would: ENETUNREACH and its kin without a route, EMSGSIZE, EPERM when a hook dropped it.
 */
export function sendPacket(ns: NetworkNamespace, packet: Packet, options: SendOptions): SocketError | undefined {
  const { flowKey, mark, socket, conntrack, inner } = options;
  const skb = createSkb({ packet, flowKey, mark: mark ?? 0, socket, conntrack, inner, track: options.track });
  const { track } = skb;
  const routed = lookupOutput(ns, {
    dst: packet.dst,
    ...(options.isUnbound !== true && { src: packet.src }),
    mark: skb.mark,
    packet,
    ...(options.device !== undefined && { device: options.device }),
  });
  const fits = routed.kind === "none" || settleFragmentation(ns, skb, routed.to, options.pmtuDiscovery);
  if (track !== undefined) {
    track.enter(
      { namespace: ns.name, ...(ns.node !== undefined && { node: ns.node }) },
      { body: skb.packet, mark: skb.mark },
    );
    recordRoute(skb, "output", routed, packet.dst);
  }
  if (routed.kind === "none") {
    drop(skb, routed.code);
    return { errno: routed.errno };
  }
  skb.route = routed.to;
  if (!fits) {
    drop(
      skb,
      "MTU_EXCEEDED",
      `The packet has ${packetBytes(packet)} bytes, more than the path takes; the sender is told so.`,
    );
    return { errno: "EMSGSIZE" };
  }
  return localOut(ns, skb, options.isDiscovery ? routed.to.device : options.tunnel);
}

/** IP_MTU_DISCOVER: sets DF, false for EMSGSIZE. __ip_append_data(), __ip_make_skb(). */
function settleFragmentation(ns: NetworkNamespace, skb: Skb, to: RoutedTo, discovery?: PmtuDiscovery): boolean {
  const { packet } = skb;
  const isLocked = isMtuLocked(ns, packet.dst, to);
  if (discovery === undefined) {
    if (isLocked && packet.transport.protocol === "tcp") skb.packet = { ...packet, dontFragment: false };
    return true;
  }
  const mtu = discovery === "probe" ? to.device.mtu : pathMtu(ns, packet.dst, to);
  const fits = packetBytes(packet) <= mtu;
  const strict = discovery === "do" || discovery === "probe";
  if (discovery === "probe") skb.pmtuProbe = true;
  const dontFragment = typeof packet.dst === "bigint" || strict || (discovery === "want" && fits && !isLocked);
  if (dontFragment !== packet.dontFragment) skb.packet = { ...packet, dontFragment };
  return fits || !strict;
}

/**
 * OUTPUT and what follows for a packet that has a route (`skb.route`): __ip_local_out(). IPVS sends here what
 * it has rewritten. EPERM when a hook ended it, but not when a hook took it over (IPVS): then it was sent.
 */
export function localOut(ns: NetworkNamespace, skb: Skb, inDevice?: Device): SocketError | undefined {
  const { device } = skb.route as RoutedTo;
  let { packet: before, mark } = skb;
  let failure: SocketError | undefined;
  const state: HookState = {
    namespace: ns,
    hook: "OUTPUT",
    family: familyOf(before.dst),
    skb,
    inDevice: undefined,
    outDevice: device,
    physIn: undefined,
    physOut: undefined,
  };
  const verdict = settleHook(state, (name) => {
    const { packet } = skb;
    const isMoved = packet.dst !== before.dst || packet.src !== before.src;
    // Of the tables, mangle alone asks again for the sake of a mark or class (ipt_mangle_out, ip6t_mangle_out).
    const isMarked = name === "mangle" && (skb.mark !== mark || isReclassed(before, packet));
    before = packet;
    mark = skb.mark;
    if (!isMoved && !isMarked) return true;
    failure = reroute(ns, skb);
    return failure === undefined;
  });
  if (verdict !== "accept") return failure ?? errorOf(verdict);
  return errorOf(postrouting(ns, skb, inDevice, false));
}

/** Another type of service; in IPv6 also another hop limit. */
function isReclassed(before: Packet, after: Packet): boolean {
  return (before.tos ?? 0) !== (after.tos ?? 0) || (typeof after.dst === "bigint" && before.ttl !== after.ttl);
}

function errorOf(verdict: HookVerdict): SocketError | undefined {
  return verdict === "accept" || verdict === "stolen" ? undefined : { errno: "EPERM" };
}

/** A hook changed addresses or mark: another lookup (ip_route_me_harder). */
function reroute(ns: NetworkNamespace, skb: Skb): SocketError | undefined {
  const { dst, src } = skb.packet;
  // An address that counts on one link keeps to it.
  const stays = typeof dst === "bigint" && (isMulticast(dst) || isLinkLocal(dst)) && skb.route !== undefined;
  const routed = lookupOutput(ns, {
    dst,
    src,
    mark: skb.mark,
    packet: skb.packet,
    ...(stays && { device: (skb.route as RoutedTo).device.name }),
  });
  if (skb.track !== undefined) recordRoute(skb, "reroute", routed, dst);
  if (routed.kind === "none") {
    drop(skb, routed.code);
    return { errno: routed.errno };
  }
  skb.route = routed.to;
  return undefined;
}

/** POSTROUTING, then the link: ip_output(). `inDevice` is where the packet was before (skb->dev). Returns what the hook said. */
export function postrouting(
  ns: NetworkNamespace,
  skb: Skb,
  inDevice: Device | undefined,
  forwarded: boolean,
): HookVerdict {
  const { device } = skb.route as RoutedTo;
  const state = {
    namespace: ns,
    hook: "POSTROUTING" as const,
    family: familyOf(skb.packet.dst),
    skb,
    inDevice,
    outDevice: device,
    physIn: inDevice && skb.bridge?.physIn,
    physOut: undefined,
  };
  const verdict = settleHook(state);
  if (verdict === "accept") finishOutput(ns, skb, forwarded);
  return verdict;
}

/** ip_finish_output(): fragments, when the packet is too long for the way ahead. */
function finishOutput(ns: NetworkNamespace, skb: Skb, forwarded: boolean): void {
  const to = skb.route as RoutedTo;
  const { packet } = skb;
  const length = packetBytes(packet);
  const mtu = forwarded
    ? forwardMtu(ns, packet.dst, to)
    : skb.pmtuProbe === true
      ? to.device.mtu
      : pathMtu(ns, packet.dst, to);
  const { fragMaxSize = 0 } = skb;
  if (length <= mtu && fragMaxSize === 0) return neighbourOutput(ns, skb);
  const v4 = typeof packet.dst === "number";
  // In IPv6 a socket's sender cuts its packets, but no tunnel's (ip6_fragment).
  const isOwn = !forwarded && skb.inner === undefined;
  const mayCut = v4 ? !packet.dontFragment : isOwn || skb.fragMaxSize !== undefined;
  if (!mayCut && length > mtu) {
    return reject(ns, skb, "MTU_EXCEEDED", v4 ? { type: 3, code: 4, mtu } : { type: 2, code: 0, mtu });
  }
  const longest = fragMaxSize === 0 ? mtu : Math.min(mtu, fragMaxSize);
  if (!transmitFragments(ns, to.device, skb, longest, (piece) => neighbourOutput(ns, piece))) neighbourOutput(ns, skb);
}

/** ip_finish_output2(): the link address of the next hop, then the device. */
function neighbourOutput(ns: NetworkNamespace, skb: Skb): void {
  const { device, nextHop, kind } = skb.route as RoutedTo;
  const known = fixedMac(device, kind, nextHop) ?? ns.neighbours.usable(device.name, nextHop);
  if (known !== undefined) {
    setMacs(ns, skb, device, nextHop, known);
    return transmit(ns, device, skb);
  }
  ns.neighbours.resolve(
    device.name,
    nextHop,
    skb,
    (mac) => {
      setMacs(ns, skb, device, nextHop, mac);
      transmit(ns, device, skb);
    },
    () => linkFailure(ns, skb),
  );
}

function setMacs(ns: NetworkNamespace, skb: Skb, device: Device, nextHop: Address, mac: Mac): void {
  if (skb.track !== undefined) recordNeighbour(ns, skb, device, nextHop, mac);
  skb.srcMac = device.mac;
  skb.dstMac = mac;
}

/** The destination MAC that needs no question: no link layer, a group address, or a device without ARP. */
function fixedMac(device: Device, kind: RoutedTo["kind"], nextHop: Address): Mac | undefined {
  if (device.kind === "loopback" || device.kind === "ipip") return zeroMac;
  if (kind === "broadcast") return broadcastMac;
  if (kind === "multicast") return multicastMac(nextHop);
  return device.kind === "dummy" || device.kind === "foreign" ? device.mac : undefined;
}

/** RFC 1112 section 6.4, RFC 2464 section 7. */
export function multicastMac(group: Address): Mac {
  const [prefix, low] =
    typeof group === "number" ? ["01005e", group & 0x7fffff] : ["3333", Number(group & 0xffffffffn)];
  const hex = prefix + low.toString(16).padStart(12 - prefix.length, "0");
  return (hex.match(/../g) as string[]).join(":") as Mac;
}

function recordNeighbour(ns: NetworkNamespace, skb: Skb, device: Device, nextHop: Address, mac: Mac): void {
  const address = formatAddress(nextHop);
  const entry = ns.neighbours.get(device.name, nextHop);
  const changes = [
    { field: "srcMac" as const, from: skb.srcMac, to: device.mac },
    { field: "dstMac" as const, from: skb.dstMac, to: mac },
  ].filter(({ from, to }) => from !== to);
  skb.track?.step({
    kind: "neighbour",
    action: "hit",
    address,
    device: device.name,
    mac,
    ...(entry && { state: entry.state }),
    ...(entry?.owner && { owner: entry.owner }),
    ...(changes.length > 0 && { changes }),
  });
}
