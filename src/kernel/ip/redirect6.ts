import { formatAddress, isLinkLocal, isMulticast } from "../../wire/address.ts";
import { type IcmpError, type Packet, packetBytes } from "../../wire/packet.ts";
import { nanosPerSecond } from "../clock.ts";
import type { Device } from "../device.ts";
import type { NetworkNamespace } from "../namespace.ts";
import type { Neighbour } from "../neighbour.ts";
import type { RoutedTo, Skb } from "../skb.ts";
import { exceptionOf, learnException } from "./exception.ts";
import { sendPacket } from "./output.ts";
import { allowsIcmp } from "./peer.ts";
import { lookupOutput } from "./route.ts";

/** ICMPv6 type of a redirect. RFC 4861, section 4.5. */
export const redirect6 = 137;

/**
 * Tells a neighbour of a better first hop: ip6_forward(), ndisc_send_redirect(). Only a link-local gateway or the
 * destination itself can be named; one a second to a host and about a destination, six at once.
 */
export function sendRedirect6(ns: NetworkNamespace, device: Device, skb: Skb, to: RoutedTo): void {
  const { src, dst } = skb.packet;
  const target = to.nextHop;
  if (!allowsIcmp(ns, dst, nanosPerSecond)) return suppress(skb, "too many were sent about this destination lately");
  const own = device.addresses.find(({ address, scope }) => typeof address === "bigint" && scope === "link")?.address;
  if (own === undefined) return suppress(skb, `${device.name} has no link-local address`);
  if (target !== dst && !isLinkLocal(target)) return suppress(skb, "the gateway's address is not link-local");
  const back = lookupOutput(ns, { dst: src, mark: 0, device: device.name });
  if (back.kind === "none" || back.to.nextHop !== src) return suppress(skb, "the sender is no neighbour");
  if (!allowsIcmp(ns, src, nanosPerSecond)) return suppress(skb, "too many were sent to this host lately");
  const linkLayer = validMac(ns.neighbours.get(device.name, target));
  const option = linkLayer === undefined ? 0 : 8;
  const quotedBytes = Math.min(1280 - 80 - option, packetBytes(skb.packet) + 8) & ~7;
  const transport: IcmpError = {
    protocol: "icmpv6",
    kind: "error",
    type: redirect6,
    code: 0,
    gateway: target,
    ...(linkLayer !== undefined && { linkLayer }),
    quoted: skb.packet,
  };
  skb.track?.step({
    kind: "icmp",
    action: "send",
    type: redirect6,
    code: 0,
    reason: "the packet leaves by the device it came in by",
    text: `${formatAddress(src)} could send to ${formatAddress(target)} by itself: the node tells it so.`,
  });
  const track = skb.track?.child("redirect", skb.track.packet.direction === "original" ? "reply" : "original");
  const redirect: Packet = {
    kind: "ip",
    src: own,
    dst: src,
    ttl: 255,
    dontFragment: true,
    id: 0,
    transport,
    payload: { kind: "bytes", length: 32 + option + quotedBytes },
  };
  sendPacket(ns, redirect, { flowKey: `${skb.flowKey}/redirect`, track, device: device.name, isDiscovery: true });
}

function validMac(neighbour: Neighbour | undefined): Neighbour["mac"] {
  return neighbour?.state === "INCOMPLETE" || neighbour?.state === "FAILED" ? undefined : neighbour?.mac;
}

function suppress(skb: Skb, reason: string): void {
  const text = `No redirect is sent: ${reason}.`;
  skb.track?.step({ kind: "icmp", action: "suppress", type: redirect6, code: 0, reason, text });
}

/**
 * A router named a better first hop: who it says so to goes there from now on. ndisc_redirect_rcv(), rt6_do_redirect().
 * It holds as long as packets go there; that it is forgotten after an idle minute is not modelled.
 */
export function takeRedirect6(ns: NetworkNamespace, device: Device, skb: Skb, icmp: IcmpError): void {
  const { quoted, gateway, linkLayer } = icmp;
  if (gateway === undefined) return;
  const why = refusal(ns, device, skb.packet, icmp);
  if (why === undefined) {
    if (linkLayer !== undefined)
      ns.neighbours.learn(device.name, gateway, linkLayer, { create: true, solicited: false, override: true });
    learnException(ns, quoted.dst, { gateway }, Number.POSITIVE_INFINITY);
  }
  skb.track?.step({
    kind: "icmp",
    action: "receive",
    type: redirect6,
    code: 0,
    reason: why ?? "redirect",
    text:
      why === undefined
        ? `Packets to ${formatAddress(quoted.dst)} go to ${formatAddress(gateway)} from now on.`
        : `The redirect is not heeded: ${why}.`,
  });
}

function refusal(
  ns: NetworkNamespace,
  device: Device,
  { src, ttl }: Packet,
  { quoted, gateway }: IcmpError,
): string | undefined {
  if (ttl !== 255 || !isLinkLocal(src)) return "it does not come from a router of this link";
  if (ns.sysctls.device(device.name).forwarding6) return "a router believes none";
  if (ns.sysctls.get(`net.ipv6.conf.${device.name}.accept_redirects`) === 0)
    return `accept_redirects is off on ${device.name}`;
  if (isMulticast(quoted.dst)) return "it is about a group";
  if (gateway !== quoted.dst && (gateway === undefined || !isLinkLocal(gateway)))
    return "it names no link-local gateway";
  // A datagram's route is looked for without a device, and so none is found (ip6_sk_redirect).
  const { protocol } = quoted.transport;
  if (protocol === "udp" || !ns.sockets.takesRedirect(quoted))
    return "the socket that sent the packet does not hear of it";
  // TCP takes it for the route that the connection uses, whoever says so.
  if (protocol === "tcp") return undefined;
  const way = lookupOutput(ns, { dst: quoted.dst, mark: 0, device: device.name });
  const uses = way.kind === "routed" && (way.to.route.via === src || exceptionOf(ns, quoted.dst)?.gateway === src);
  return uses ? undefined : "it does not come from the gateway in use";
}
