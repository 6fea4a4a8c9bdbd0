import { type Address, isIPv4, isLinkLocal, isLoopback } from "../../wire/address.ts";
import { cidr, contains } from "../../wire/cidr.ts";
import type { Device } from "../device.ts";
import type { NetworkNamespace } from "../namespace.ts";
import type { RoutedTo } from "../skb.ts";

/** The source address of a route: its `src` hint, the destination itself when local, or the device's choice. */
export function sourceForRoute(ns: NetworkNamespace, to: RoutedTo, dst: Address): Address | undefined {
  const { route, device } = to;
  if (route.source !== undefined) return route.source;
  if (to.kind === "local") return dst;
  return isIPv4(dst) ? primaryAddress(ns, device, route.via) : selectIPv6(ns, device, dst);
}

/**
 * inet_select_addr(): the first address of the device that shares a network with `near`, else its first one,
 * else the first global one of any device. `MASQUERADE` asks the same.
 */
export function primaryAddress(ns: NetworkNamespace, device: Device, near?: Address): Address | undefined {
  let first: Address | undefined;
  for (const { address, prefixLength, scope } of device.addresses) {
    if (!isIPv4(address) || scope === "host") continue;
    if (near === undefined || contains(cidr(address, prefixLength), near)) return address;
    first ??= address;
  }
  if (first !== undefined) return first;
  for (const other of ns.devices.values()) {
    for (const { address, scope } of other.addresses) if (isIPv4(address) && scope === "global") return address;
  }
  return undefined;
}

/** RFC 6724, section 5, as far as it matters here: same address, scope, outgoing interface, longest prefix. */
export function selectIPv6(ns: NetworkNamespace, device: Device, dst: Address): Address | undefined {
  let best: { readonly address: Address; readonly rank: number } | undefined;
  for (const other of ns.devices.values()) {
    for (const { address } of other.addresses) {
      if (isIPv4(address) || isLoopback(address)) continue;
      const linkLocal = isLinkLocal(address);
      if (linkLocal && other !== device) continue;
      const rank =
        (address === dst ? 1e6 : 0) +
        (linkLocal === isLinkLocal(dst) ? 1e4 : 0) +
        (other === device ? 1e3 : 0) +
        commonPrefix(address as bigint, dst as bigint);
      if (best === undefined || rank > best.rank) best = { address, rank };
    }
  }
  return best?.address;
}

function commonPrefix(a: bigint, b: bigint): number {
  const differing = (a ^ b).toString(2);
  return differing === "0" ? 128 : 128 - differing.length;
}
