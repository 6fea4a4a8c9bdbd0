import { type Address, type IPv4, type IPv6, formatAddress, ipv4, ipv6, parseAddress } from "./address.ts";

/** An address block. `base` has no bits set beyond `prefixLength`. */
export interface Cidr {
  readonly base: Address;
  readonly prefixLength: number;
}

/** Number of bits of an address of the family of `address`. */
export function addressBits(address: Address): 32 | 128 {
  return typeof address === "number" ? 32 : 128;
}

/** The address with all bits beyond the prefix cleared. */
export function maskAddress(address: Address, prefixLength: number): Address {
  if (typeof address === "number") return maskIPv4(address, prefixLength);
  const host = BigInt(128 - prefixLength);
  return ipv6((address >> host) << host);
}

export function maskIPv4(address: IPv4, prefixLength: number): IPv4 {
  return prefixLength === 0 ? ipv4(0) : ipv4(address & (-1 << (32 - prefixLength)));
}

export function cidr(address: Address, prefixLength: number): Cidr {
  return { base: maskAddress(address, prefixLength), prefixLength };
}

/** The /32 or /128 of one address. */
export function hostCidr(address: Address): Cidr {
  return { base: address, prefixLength: addressBits(address) };
}

export function contains(block: Cidr, address: Address): boolean {
  return typeof block.base === typeof address && maskAddress(address, block.prefixLength) === block.base;
}

export function overlaps(a: Cidr, b: Cidr): boolean {
  return a.prefixLength <= b.prefixLength ? contains(a, b.base) : contains(b, a.base);
}

/** True when every address of `inner` is in `outer`. */
export function covers(outer: Cidr, inner: Cidr): boolean {
  return outer.prefixLength <= inner.prefixLength && contains(outer, inner.base);
}

/** Parses `ADDRESS/LENGTH`; host bits are masked off. Undefined when it is not one. */
export function parseCidr(text: string): Cidr | undefined {
  const parsed = parseInterfaceAddress(text);
  return parsed && cidr(parsed.address, parsed.prefixLength);
}

/** Parses `ADDRESS/LENGTH` and keeps the host bits, as `ip addr add` takes it. A bare address is a /32 or /128. */
export function parseInterfaceAddress(
  text: string,
): { readonly address: Address; readonly prefixLength: number } | undefined {
  const slash = text.indexOf("/");
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (address === undefined) return undefined;
  const bits = addressBits(address);
  if (slash < 0) return { address, prefixLength: bits };
  const length = text.slice(slash + 1);
  if (!/^(0|[1-9]\d{0,2})$/.test(length) || Number(length) > bits) return undefined;
  return { address, prefixLength: Number(length) };
}

export function formatCidr(block: Cidr): string {
  return `${formatAddress(block.base)}/${block.prefixLength}`;
}

/** The address `offset` places after the first one of the block. Throws when it lies outside. */
export function nthAddress(block: Cidr, offset: number): Address {
  const address = (typeof block.base === "number" ? ipv4(block.base + offset) : ipv6(block.base + BigInt(offset))) as
    | IPv4
    | IPv6;
  if (!contains(block, address)) throw new RangeError(`${formatCidr(block)} has no address number ${offset}`);
  return address;
}

/** Number of addresses; may exceed Number.MAX_SAFE_INTEGER for IPv6 (it is then rounded). */
export function sizeOf(block: Cidr): number {
  return 2 ** (addressBits(block.base) - block.prefixLength);
}
