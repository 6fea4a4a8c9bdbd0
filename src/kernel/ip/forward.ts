import { familyOf, isLinkLocal } from "../../wire/address.ts";
import { packetBytes } from "../../wire/packet.ts";
import type { KernelDropCode } from "../drop-codes.ts";
import { type IcmpMessage, reject, sendRedirect } from "../icmp.ts";
import type { NetworkNamespace } from "../namespace.ts";
import { passHook } from "../netfilter.ts";
import type { Skb } from "../skb.ts";
import { recordRoute } from "./input.ts";
import { postrouting } from "./output.ts";
import { forwardMtu } from "./path-mtu.ts";
import { sendRedirect6 } from "./redirect6.ts";
import type { Routed } from "./route.ts";

/** A packet for somebody else: ip_forward(), ip6_forward(). The TTL falls before the hook. */
export function forwardPacket(ns: NetworkNamespace, skb: Skb, routed: Routed): void {
  const { to } = routed;
  const { packet, track } = skb;
  const v4 = typeof packet.dst === "number";
  const mtu = forwardMtu(ns, packet.dst, to);
  // In IPv6 it comes before what the MTU says, and quotes the packet as it came in.
  if (!v4 && to.redirect && packet.ttl > 1) sendRedirect6(ns, skb.inDevice ?? to.device, skb, to);
  const refused: readonly [KernelDropCode, IcmpMessage] | undefined =
    packet.ttl <= 1
      ? ["TTL_EXCEEDED", { type: v4 ? 11 : 3, code: 0 }]
      : !v4 && !to.redirect && isLinkLocal(packet.src)
        ? ["LINK_LOCAL_SOURCE", { type: 1, code: 2 }]
        : packetBytes(packet) > mtu && exceeds(skb, mtu, v4)
          ? ["MTU_EXCEEDED", v4 ? { type: 3, code: 4, mtu } : { type: 2, code: 0, mtu }]
          : undefined;
  if (refused !== undefined) {
    if (track !== undefined) recordRoute(skb, "input", routed, packet.dst);
    return reject(ns, skb, ...refused);
  }
  const ttl = packet.ttl - 1;
  skb.packet = { ...packet, ttl };
  skb.crossings = 0;
  if (track !== undefined) recordRoute(skb, "input", routed, packet.dst, [{ field: "ttl", from: packet.ttl, to: ttl }]);
  if (v4 && to.redirect) sendRedirect(ns, skb, to);
  const { inDevice } = skb;
  const state = {
    namespace: ns,
    hook: "FORWARD" as const,
    family: familyOf(packet.dst),
    skb,
    inDevice,
    outDevice: to.device,
    physIn: skb.bridge?.physIn,
    physOut: undefined,
  };
  if (passHook(state)) postrouting(ns, skb, inDevice, true);
}

/** ip_exceeds_mtu(), ip6_pkt_too_big(): fragments that were put together here may be cut again. */
function exceeds(skb: Skb, mtu: number, v4: boolean): boolean {
  if (v4 && !skb.packet.dontFragment) return false;
  return skb.fragMaxSize === undefined || skb.fragMaxSize > mtu || v4;
}
