import { familyOf, formatAddress } from "../wire/address.ts";
import type { Mac } from "../wire/mac.ts";
import type { BridgeDevice, Device } from "./device.ts";
import { drop } from "./drop.ts";
import { type NoRoute, lookupInput } from "./ip/route.ts";
import { linkFailure } from "./icmp.ts";
import type { NetworkNamespace } from "./namespace.ts";
import { type HookState, passHook } from "./netfilter.ts";
import type { BridgeInfo, Skb } from "./skb.ts";
import { transmit } from "./transmit.ts";

/** Whether bridged packets of this family are shown to iptables (br_netfilter). */
export function netfilterCalled(ns: NetworkNamespace, bridge: BridgeDevice, skb: Skb): boolean {
  return typeof skb.packet.dst === "number"
    ? bridge.callsIptables || ns.sysctls.get("net.bridge.bridge-nf-call-iptables") !== 0
    : bridge.callsIp6tables || ns.sysctls.get("net.bridge.bridge-nf-call-ip6tables") !== 0;
}

/**
 * PREROUTING inside the bridge: br_nf_pre_routing() and br_nf_pre_routing_finish(). When DNAT changed the
 * destination, a route lookup decides: out by this very bridge means the frame stays bridged, with the MAC of
 * the new destination; anything else means it is for the node, which will route it.
 */
export function bridgePrerouting(
  ns: NetworkNamespace,
  device: Device,
  bridge: BridgeDevice,
  skb: Skb,
  next: () => void,
): void {
  const info: BridgeInfo = { physIn: device, preroutingDone: false };
  skb.bridge = info;
  skb.inDevice = bridge;
  const { packetType } = skb;
  skb.packetType = "host";
  skb.track?.step({ kind: "bridge", action: "netfilter", bridge: bridge.name, inPort: device.name });
  const before = skb.packet.dst;
  const family = familyOf(before);
  const state: HookState = {
    namespace: ns,
    hook: "PREROUTING",
    family,
    skb,
    inDevice: bridge,
    outDevice: undefined,
    physIn: device,
    physOut: undefined,
  };
  if (!passHook(state)) return;
  skb.packetType = packetType;
  info.preroutingDone = true;
  if (skb.fragMaxSize !== undefined) info.fragMaxSize = skb.fragMaxSize;
  if (skb.packet.dst === before) next();
  else redirectTranslated(ns, bridge, skb, next);
}

function redirectTranslated(ns: NetworkNamespace, bridge: BridgeDevice, skb: Skb, next: () => void): void {
  const { dst, src } = skb.packet;
  const routed = lookupInput(ns, { dst, src, mark: skb.mark, device: bridge, inDevice: bridge.name });
  // In IPv6 a route that refuses ends it here, too (br_nf_pre_routing_finish_ipv6).
  if (routed.kind === "none" && (typeof dst === "bigint" || isMartian(routed.code))) return drop(skb, routed.code);
  if (routed.kind === "none" || routed.to.device !== bridge) {
    // Without a route it goes up as well: the IP layer will say so.
    // IPv6 takes the device of a route that is there already for the one the packet came in by (ip6_rcv_core).
    if (routed.kind === "routed") skb.route = typeof dst === "bigint" ? { ...routed.to, redirect: true } : routed.to;
    rewriteMac(
      bridge,
      skb,
      bridge.mac,
      `The new destination ${formatAddress(dst)} is not behind ${bridge.name}: the frame is handed to the node, which routes it.`,
    );
    skb.packetType = "host";
    return next();
  }
  skb.route = routed.to;
  const { nextHop } = routed.to;
  const mac = ns.neighbours.connected(bridge.name, nextHop);
  const stays = `${formatAddress(nextHop)} is behind the same bridge: the frame stays bridged and goes straight to its MAC address.`;
  if (mac !== undefined) {
    rewriteMac(bridge, skb, mac, stays);
    return next();
  }
  // The neighbour layer would write the bridge's own MAC as source; br_netfilter puts the sender's back.
  (skb.bridge as BridgeInfo).bridgedDnat = true;
  ns.neighbours.resolve(
    bridge.name,
    nextHop,
    skb,
    (resolved) => {
      rewriteMac(bridge, skb, resolved, stays);
      transmit(ns, bridge, skb);
    },
    () => linkFailure(ns, skb),
  );
}

/** What ip_route_input() returns as an error; a route that refuses is a route, whose error the IP layer acts upon. */
function isMartian(code: NoRoute["code"]): boolean {
  return code === "MARTIAN_SOURCE" || code === "MARTIAN_DESTINATION" || code === "RP_FILTER";
}

function rewriteMac(bridge: BridgeDevice, skb: Skb, mac: Mac, text: string): void {
  const from = skb.dstMac;
  skb.dstMac = mac;
  skb.track?.step({
    kind: "bridge",
    action: "netfilter",
    bridge: bridge.name,
    mac,
    text,
    ...(from !== mac && { changes: [{ field: "dstMac", from, to: mac }] }),
  });
}

/** FORWARD of a bridged packet: br_nf_forward_ip(). */
export function bridgeForward(bridge: BridgeDevice, to: Device, skb: Skb, ns: NetworkNamespace): boolean {
  const info = skb.bridge as BridgeInfo;
  info.physOut = to;
  return asHost(skb, () =>
    passHook({
      namespace: ns,
      hook: "FORWARD",
      family: familyOf(skb.packet.dst),
      skb,
      inDevice: bridge,
      outDevice: bridge,
      physIn: info.physIn,
      physOut: to,
    }),
  );
}

/** POSTROUTING of a bridged packet: br_nf_post_routing(). It has no input device. */
export function bridgePostrouting(bridge: BridgeDevice, to: Device, skb: Skb, ns: NetworkNamespace): boolean {
  return asHost(skb, () =>
    passHook({
      namespace: ns,
      hook: "POSTROUTING",
      family: familyOf(skb.packet.dst),
      skb,
      inDevice: undefined,
      outDevice: bridge,
      physIn: undefined,
      physOut: to,
    }),
  );
}

/** Hooks see a bridged packet as addressed to this host (pkt_otherhost). */
function asHost(skb: Skb, run: () => boolean): boolean {
  const { packetType } = skb;
  skb.packetType = "host";
  const passed = run();
  skb.packetType = packetType;
  return passed;
}
