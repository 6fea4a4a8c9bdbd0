import type { Address } from "../../wire/address.ts";
import { nanosPerSecond } from "../clock.ts";
import type { NetworkNamespace } from "../namespace.ts";
import type { RoutedTo } from "../skb.ts";
import { lookupOutput } from "./route.ts";

/**
 * The longest packet, in bytes, that this namespace believes the path to `dst` takes: what ICMP taught
 * (RFC 1191), else the route's or the device's MTU. 65,535 without a route.
 */
export function pathMtu(ns: NetworkNamespace, dst: Address, to?: RoutedTo): number {
  const known = ns.ip.pathMtus.size === 0 ? undefined : ns.ip.pathMtus.get(dst);
  const way = to ?? routeOf(ns, dst);
  const own = way === undefined ? 65_535 : (way.route.mtu ?? way.device.mtu);
  if (known === undefined) return own;
  if (known.expiresAtNanos > ns.surroundings.clock.nowNanos()) return Math.min(own, known.mtu);
  ns.ip.pathMtus.delete(dst);
  return own;
}

function routeOf(ns: NetworkNamespace, dst: Address): RoutedTo | undefined {
  const routed = lookupOutput(ns, { dst, mark: 0 });
  return routed.kind === "routed" ? routed.to : undefined;
}

/** Notes what "fragmentation needed" or "packet too big" said about a destination: __ip_rt_update_pmtu(). */
export function learnPathMtu(ns: NetworkNamespace, dst: Address, mtu: number): void {
  const family = typeof dst === "number" ? "ipv4" : "ipv6";
  const least = family === "ipv4" ? ns.sysctls.get("net.ipv4.route.min_pmtu") : 1280;
  const believed = Math.max(mtu, least);
  if (believed >= pathMtu(ns, dst)) return;
  const lifetime = ns.sysctls.get(`net.${family}.route.mtu_expires`) * nanosPerSecond;
  const expiresAtNanos = ns.surroundings.clock.nowNanos() + lifetime;
  ns.ip.pathMtus.set(dst, { mtu: believed, expiresAtNanos });
}
