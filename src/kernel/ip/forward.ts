import { familyOf, formatAddress } from "../../wire/address.ts";
import { packetBytes } from "../../wire/packet.ts";
import { drop } from "../drop.ts";
import { reject, sendRedirect } from "../icmp.ts";
import type { NetworkNamespace } from "../namespace.ts";
import { passHook } from "../netfilter.ts";
import type { RoutedTo, Skb } from "../skb.ts";
import { postrouting } from "./output.ts";

/** A packet for somebody else: ip_forward(), ip6_forward(). The TTL falls before the hook. */
export function forwardPacket(ns: NetworkNamespace, skb: Skb): void {
  if ((skb.packetType ?? "host") !== "host") return drop(skb, "OTHER_HOST");
  const to = skb.route as RoutedTo;
  const { packet } = skb;
  const v4 = typeof packet.dst === "number";
  if (packet.ttl <= 1) return reject(ns, skb, "TTL_EXCEEDED", { type: v4 ? 11 : 3, code: 0 });
  const mtu = to.route.mtu ?? to.device.mtu;
  if (packetBytes(packet) > mtu && exceeds(skb, mtu, v4)) {
    return reject(ns, skb, "MTU_EXCEEDED", v4 ? { type: 3, code: 4, mtu } : { type: 2, code: 0, mtu });
  }
  const ttl = packet.ttl - 1;
  skb.packet = { ...packet, ttl };
  skb.track?.step({
    kind: "route",
    at: "input",
    destination: formatAddress(packet.dst),
    result: "forward",
    device: to.device.name,
    changes: [{ field: "ttl", from: packet.ttl, to: ttl }],
    text: `The packet is forwarded: its TTL falls to ${ttl}.`,
  });
  if (to.redirect) sendRedirect(ns, skb, to);
  const { inDevice } = skb;
  const state = {
    namespace: ns,
    hook: "FORWARD" as const,
    family: familyOf(packet.dst),
    skb,
    ...(inDevice && { inDevice }),
    outDevice: to.device,
    ...(skb.bridge && { physIn: skb.bridge.physIn }),
  };
  if (passHook(state)) postrouting(ns, skb, inDevice, true);
}

/** ip_exceeds_mtu(), ip6_pkt_too_big(): fragments that were put together here may be cut again. */
function exceeds(skb: Skb, mtu: number, v4: boolean): boolean {
  if (v4 && !skb.packet.dontFragment) return false;
  return skb.fragMaxSize === undefined || skb.fragMaxSize > mtu || v4;
}
