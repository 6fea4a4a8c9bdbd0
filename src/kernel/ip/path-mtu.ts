import type { Address } from "../../wire/address.ts";
import { nanosPerSecond } from "../clock.ts";
import type { NetworkNamespace } from "../namespace.ts";
import type { RoutedTo } from "../skb.ts";
import { exceptionOf, learnException } from "./exception.ts";
import { lookupOutput } from "./route.ts";

/**
 * The longest packet, in bytes, that this namespace believes the path to `dst` takes: what ICMP taught
 * (RFC 1191), else the route's or the device's MTU. 65,535 without a route in IPv4.
 */
export function pathMtu(ns: NetworkNamespace, dst: Address, to?: RoutedTo): number {
  const way = to ?? routeOf(ns, dst);
  // An IPv4 packet is no longer than that, also where the loopback would take 65,536 (IP_MAX_MTU).
  const most = typeof dst === "number" ? 65_535 : 65_575;
  const own = Math.min(most, way === undefined ? most : (way.route.mtu ?? way.device.mtu));
  const known = exceptionOf(ns, dst)?.mtu;
  return known === undefined ? own : Math.min(own, known);
}

function routeOf(ns: NetworkNamespace, dst: Address): RoutedTo | undefined {
  const routed = lookupOutput(ns, { dst, mark: 0 });
  return routed.kind === "routed" ? routed.to : undefined;
}

/** The longest packet that is forwarded this way; learned path MTUs count only with ip_forward_use_pmtu. ip_dst_mtu_maybe_forward(). */
export function forwardMtu(ns: NetworkNamespace, dst: Address, to: RoutedTo): number {
  const own = to.route.mtu ?? to.device.mtu;
  if (ns.ip.exceptions.size === 0) return own;
  const learned = typeof dst === "bigint" || ns.sysctls.get("net.ipv4.ip_forward_use_pmtu") !== 0;
  return learned ? pathMtu(ns, dst, to) : own;
}

/** Notes what "fragmentation needed" or "packet too big" said about a destination: __ip_rt_update_pmtu(). */
export function learnPathMtu(ns: NetworkNamespace, dst: Address, mtu: number): void {
  const family = typeof dst === "number" ? "ipv4" : "ipv6";
  const least = family === "ipv4" ? ns.sysctls.get("net.ipv4.route.min_pmtu") : 1280;
  const before = pathMtu(ns, dst);
  if (isMtuLocked(ns, dst, routeOf(ns, dst))) return;
  const believed = Math.min(before, Math.max(mtu, least));
  if (mtu >= before) return;
  const seconds = ns.sysctls.get(`net.${family}.route.mtu_expires`);
  learnException(ns, dst, { mtu: believed, mtuLocked: mtu < least }, seconds * nanosPerSecond);
}

/** The path MTU is fixed (ip_mtu_locked): what ICMP says does not change it, and packets leave without DF. */
export function isMtuLocked(ns: NetworkNamespace, dst: Address, to: RoutedTo | undefined): boolean {
  return typeof dst === "number" && (to?.route.mtuLocked === true || exceptionOf(ns, dst)?.mtuLocked === true);
}
