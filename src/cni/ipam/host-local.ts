import type { IpamHistory } from "../../cluster/ipam.ts";
import type { Node, Pod } from "../../cluster/objects.ts";
import { type Address, formatAddress, ipv4, ipv6, isIPv4, parseAddress } from "../../wire/address.ts";
import { type Cidr, contains, parseCidr } from "../../wire/cidr.ts";

/**
 * The host-local IPAM plugin: one address of each of the node's pod CIDRs, round robin from the one given last, so that
 * a freed address is not used again before the range is through. The first address is the gateway's: the first pod
 * gets the second. Undefined when a range is full.
 * containernetworking plugins, plugins/ipam/host-local/backend/allocator (allocator.go, range.go).
 */
export function hostLocal(node: Node, _pod: Pod, history: IpamHistory): readonly string[] | undefined {
  const addresses: string[] = [];
  for (const [index, text] of node.spec.podCIDRs.entries()) {
    const range = parseCidr(text);
    const next = range && nextFree(range, history.last[index], history);
    if (next === undefined) return undefined;
    addresses.push(next);
  }
  return addresses;
}

/** Nobody needs more: a node runs some hundred pods, and an IPv6 range would never end. */
const attemptLimit = 2n ** 20n;

function nextFree(range: Cidr, last: string | undefined, history: IpamHistory): string | undefined {
  const bits = isIPv4(range.base) ? 32 : 128;
  const base = BigInt(range.base);
  const gateway = base + 1n;
  // rangeEnd is one before the broadcast address, in IPv6 too.
  const end = base + 2n ** BigInt(bits - range.prefixLength) - 2n;
  const size = end - gateway;
  if (size < 1n) return undefined;
  const parsedLast = last === undefined ? undefined : parseAddress(last);
  let candidate = parsedLast !== undefined && contains(range, parsedLast) ? BigInt(parsedLast) : gateway;
  for (let attempt = 0n; attempt < size && attempt < attemptLimit; attempt++) {
    candidate = candidate >= end ? gateway + 1n : candidate + 1n;
    const text = formatAddress(ofFamily(range.base, candidate));
    if (!history.isTaken(text)) return text;
  }
  return undefined;
}

function ofFamily(like: Address, value: bigint): Address {
  return isIPv4(like) ? ipv4(Number(value)) : ipv6(value);
}
