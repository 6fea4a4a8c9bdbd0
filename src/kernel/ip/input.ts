import type { FieldChange } from "../../trace/records.ts";
import { familyOf, formatAddress } from "../../wire/address.ts";
import type { Packet } from "../../wire/packet.ts";
import type { Device } from "../device.ts";
import { drop } from "../drop.ts";
import { receiveIcmp, rejectUnrouted } from "../icmp.ts";
import { receiveIpip } from "../ipip.ts";
import type { NetworkNamespace } from "../namespace.ts";
import { passHook } from "../netfilter.ts";
import { formatRoute } from "../route-text.ts";
import type { Skb } from "../skb.ts";
import { deliverLocal } from "../socket/deliver.ts";
import { receiveVxlan, vxlanFor, vxlanListens } from "../vxlan.ts";
import { forwardPacket } from "./forward.ts";
import { reassemble } from "./reassemble.ts";
import { type NoRoute, type Routed, lookupInput } from "./route.ts";

/** An IP packet came in by `device`: ip_rcv(), ipv6_rcv(). */
export function receiveIp(ns: NetworkNamespace, device: Device, skb: Skb): void {
  // What the bridge has shown to PREROUTING is not shown again (ip_sabotage_in).
  if (skb.bridge?.preroutingDone !== true) {
    const state = {
      namespace: ns,
      hook: "PREROUTING" as const,
      family: familyOf(skb.packet.dst),
      skb,
      inDevice: device,
      outDevice: undefined,
      physIn: skb.bridge?.physIn,
      physOut: undefined,
    };
    if (!passHook(state)) return;
  }
  routePacket(ns, device, skb);
}

/** ip_rcv_finish(): a packet that has a route already (loopback, DNAT in the bridge) keeps it. */
function routePacket(ns: NetworkNamespace, device: Device, skb: Skb): void {
  const { src, dst } = skb.packet;
  const routed: Routed | NoRoute =
    skb.route === undefined
      ? lookupInput(ns, { src, dst, mark: skb.mark, device, inDevice: device.name, packet: skb.packet })
      : { kind: "routed", to: skb.route, table: skb.route.kind === "local" ? "local" : "main" };
  if (routed.kind === "none") {
    if (skb.track !== undefined) recordRoute(skb, "input", routed, dst);
    if (routed.icmp === undefined) drop(skb, routed.code);
    else rejectUnrouted(ns, skb, routed.code, routed.icmp);
    return;
  }
  skb.route = routed.to;
  if (routed.to.kind === "forward") return forwardPacket(ns, skb, routed);
  if (skb.track !== undefined) recordRoute(skb, "input", routed, dst);
  deliverIp(ns, device, skb);
}

/** Records a route lookup. */
export function recordRoute(
  skb: Skb,
  at: "input" | "output" | "reroute",
  routed: Routed | NoRoute,
  dst: Packet["dst"],
  changes?: readonly FieldChange[],
): void {
  const found = routed.kind === "routed" ? routed.to : undefined;
  const route = found?.route ?? (routed.kind === "none" ? routed.found?.route : undefined);
  skb.track?.step({
    kind: "route",
    at,
    destination: formatAddress(dst),
    result: resultOf(routed),
    ...(route && { route: formatRoute(route) }),
    ...(routed.kind === "routed" && { table: routed.table }),
    ...(found?.route.via !== undefined && { via: formatAddress(found.route.via) }),
    ...(found && { device: found.device.name }),
    ...(route?.source !== undefined && { source: formatAddress(route.source) }),
    ...(route?.owner && { owner: route.owner }),
    ...(changes && { changes }),
    ...(routed.kind === "routed" && routed.choice && { choice: routed.choice }),
  });
}

function resultOf(
  routed: Routed | NoRoute,
): "local" | "forward" | "output" | "broadcast" | "unreachable" | "prohibit" | "blackhole" | "martian" {
  if (routed.kind === "routed") return routed.to.kind === "multicast" ? "broadcast" : routed.to.kind;
  switch (routed.code) {
    case "ROUTE_PROHIBIT":
      return "prohibit";
    case "ROUTE_BLACKHOLE":
      return "blackhole";
    case "MARTIAN_SOURCE":
    case "MARTIAN_DESTINATION":
    case "RP_FILTER":
    case "LOOPBACK_SOURCE":
      return "martian";
    default:
      return "unreachable";
  }
}

/** ip_local_deliver(): put together, INPUT, then the protocol. */
function deliverIp(ns: NetworkNamespace, device: Device, skb: Skb): void {
  const whole = reassemble(ns, skb);
  if (whole === undefined) return;
  const state = {
    namespace: ns,
    hook: "INPUT" as const,
    family: familyOf(whole.packet.dst),
    skb: whole,
    inDevice: device,
    outDevice: undefined,
    physIn: whole.bridge?.physIn,
    physOut: undefined,
  };
  if (passHook(state)) deliverProtocol(ns, device, whole);
}

function deliverProtocol(ns: NetworkNamespace, device: Device, skb: Skb): void {
  const { transport, payload } = skb.packet;
  switch (transport.protocol) {
    case "icmp":
    case "icmpv6":
      if (transport.kind === "echo-reply") deliverLocal(ns, skb);
      else receiveIcmp(ns, device, skb, transport);
      return;
    case "udp": {
      const tunnel = payload.kind === "vxlan" ? vxlanFor(ns, skb.packet, payload.vni) : undefined;
      if (tunnel !== undefined) receiveVxlan(ns, tunnel, skb);
      else if (payload.kind === "vxlan" && vxlanListens(ns, skb.packet)) drop(skb, "TUNNEL_NO_DEVICE");
      else deliverLocal(ns, skb);
      return;
    }
    case "other":
      if (payload.kind === "ip") receiveIpip(ns, skb, payload.packet);
      else deliverLocal(ns, skb);
      return;
    case "tcp":
    case "sctp":
      deliverLocal(ns, skb);
      return;
  }
}
