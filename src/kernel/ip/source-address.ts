import { type Address, isIPv4, isLinkLocal, isLoopback, isMulticast } from "../../wire/address.ts";
import { cidr, contains } from "../../wire/cidr.ts";
import type { Device } from "../device.ts";
import type { NetworkNamespace } from "../namespace.ts";
import type { RoutedTo } from "../skb.ts";

/** The source address of a route: its `src` hint, the destination itself when local, or the device's choice. */
export function sourceForRoute(ns: NetworkNamespace, to: RoutedTo, dst: Address): Address | undefined {
  const { route, device } = to;
  if (route.source !== undefined) return route.source;
  // What a route alone makes local is no address to IPv6, which then chooses among those that are.
  if (to.kind === "local" && (isIPv4(dst) || isOwnAddress(ns, dst))) return dst;
  return isIPv4(dst) ? primaryAddress(ns, device, route.via) : selectIPv6(ns, device, dst);
}

/** Whether some device here has the address: ipv6_chk_addr(). */
export function isOwnAddress(ns: NetworkNamespace, address: Address): boolean {
  for (const { addresses } of ns.devices.values()) if (addresses.some((own) => own.address === address)) return true;
  return false;
}

/**
 * inet_select_addr(): the first address of the device that shares a network with `near`, else its first one,
 * else the first global one of any device. `MASQUERADE` asks the same.
 */
export function primaryAddress(ns: NetworkNamespace, device: Device, near?: Address): Address | undefined {
  let first: Address | undefined;
  for (const { address, peer = address, prefixLength, scope } of device.addresses) {
    if (!isIPv4(address) || scope === "host") continue;
    if (near === undefined || contains(cidr(peer, prefixLength), near)) return address;
    first ??= address;
  }
  if (first !== undefined) return first;
  for (const other of ns.devices.values()) {
    for (const { address, scope } of other.addresses) if (isIPv4(address) && scope === "global") return address;
  }
  return undefined;
}

/**
 * The source of an IPv6 packet: RFC 6724, section 5, with the rules that can differ here (1, 2, 5, 6 and 8).
 * ipv6_dev_get_saddr(), net/ipv6/addrconf.c. Between equals the address that was added last to the first device wins.
 */
export function selectIPv6(ns: NetworkNamespace, device: Device, dst: Address): Address | undefined {
  const scope = scopeOf(dst);
  const onlyOwn = isMulticast(dst) || scope === linkScope;
  let best: { readonly address: Address; readonly score: readonly number[] } | undefined;
  for (const other of onlyOwn ? [device] : ns.devices.values()) {
    for (const { address, prefixLength } of other.addresses.toReversed()) {
      if (isIPv4(address) || isLoopback(address)) continue;
      const own = scopeOf(address);
      const score = [
        address === dst ? 1 : 0,
        own >= scope ? -own : own - 128,
        other === device ? 1 : 0,
        labelOf(address as bigint) === labelOf(dst as bigint) ? 1 : 0,
        Math.min(prefixLength, commonPrefix(address as bigint, dst as bigint)),
      ];
      if (best === undefined || isBetter(score, best.score)) best = { address, score };
    }
  }
  return best?.address;
}

function isBetter(score: readonly number[], than: readonly number[]): boolean {
  const at = score.findIndex((value, rule) => value !== than[rule]);
  return at >= 0 && (score[at] as number) > (than[at] as number);
}

const linkScope = 2;
const globalScope = 14;

/** RFC 4291, section 2.7; unique local addresses are global. */
function scopeOf(address: Address): number {
  if (isMulticast(address)) return Number(((address as bigint) >> 112n) & 15n);
  return isLinkLocal(address) || isLoopback(address) ? linkScope : globalScope;
}

/** The default policy table, longest prefix first: ip6addrlbl_init_table in net/ipv6/addrlabel.c. */
const labels: readonly (readonly [prefix: bigint, length: bigint, label: number])[] = [
  [1n, 128n, 0],
  [0xffffn << 32n, 96n, 4],
  [0n, 96n, 3],
  [0x2001_0000n << 96n, 32n, 6],
  [0x2001_0010n << 96n, 28n, 7],
  [0x2002n << 112n, 16n, 2],
  [0xfc00n << 112n, 7n, 5],
];

function labelOf(address: bigint): number {
  for (const [prefix, length, label] of labels) {
    if ((address ^ prefix) >> (128n - length) === 0n) return label;
  }
  return 1;
}

function commonPrefix(a: bigint, b: bigint): number {
  const differing = (a ^ b).toString(2);
  return differing === "0" ? 128 : 128 - differing.length;
}
