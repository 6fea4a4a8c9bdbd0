import { type Address, ipv4, ipv6 } from "../../wire/address.ts";

/**
 * The address of a range that a connection is mapped to: a hash over source and destination (source alone with
 * `--persistent`), so that a client keeps its address from run to run. find_best_ips_proto() in nf_nat_core.c,
 * on a little-endian machine.
 */
export function spreadAddress(src: Address, dst: Address, first: Address, last: Address, persistent: boolean): Address {
  const from = words(first);
  const to = words(last);
  const destination = words(dst).map(swap);
  const source = words(src).map(swap);
  let hash = jhash2(
    [source[0] ?? 0, source[1] ?? 0, source[2] ?? 0, source[3] ?? 0],
    persistent ? 0 : (destination.at(-1) ?? 0),
  );
  const chosen: number[] = [];
  let full = false;
  for (const [index, low] of from.entries()) {
    const high = to[index] ?? 0;
    const distance = full ? 0xffffffff : high - low + 1;
    const value = ((full ? 0 : low) + Number((BigInt(hash) * BigInt(distance)) >> 32n)) >>> 0;
    chosen.push(value);
    if (value !== high) full = true;
    if (!persistent) hash = (hash ^ (destination[index] ?? 0)) >>> 0;
  }
  if (typeof first === "number") return ipv4(chosen[0] ?? 0);
  return ipv6(chosen.reduce((value, word) => (value << 32n) | BigInt(word), 0n));
}

/** Big-endian 32-bit words of an address. */
function words(address: Address): number[] {
  if (typeof address === "number") return [address >>> 0];
  return [96n, 64n, 32n, 0n].map((shift) => Number((address >> shift) & 0xffffffffn));
}

/** The word as a little-endian machine reads network bytes. */
function swap(word: number): number {
  return (((word & 0xff) << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)) >>> 0;
}

/** Bob Jenkins' lookup3 over four words: jhash2() in include/linux/jhash.h. */
function jhash2(key: readonly [number, number, number, number], initial: number): number {
  const start = (0xdeadbeef + (4 << 2) + initial) | 0;
  let a = (start + key[0]) | 0;
  let b = (start + key[1]) | 0;
  let c = (start + key[2]) | 0;
  a = ((a - c) | 0) ^ rotate(c, 4);
  c = (c + b) | 0;
  b = ((b - a) | 0) ^ rotate(a, 6);
  a = (a + c) | 0;
  c = ((c - b) | 0) ^ rotate(b, 8);
  b = (b + a) | 0;
  a = ((a - c) | 0) ^ rotate(c, 16);
  c = (c + b) | 0;
  b = ((b - a) | 0) ^ rotate(a, 19);
  a = (a + c) | 0;
  c = ((c - b) | 0) ^ rotate(b, 4);
  b = (b + a) | 0;
  a = (a + key[3]) | 0;
  c = ((c ^ b) - rotate(b, 14)) | 0;
  a = ((a ^ c) - rotate(c, 11)) | 0;
  b = ((b ^ a) - rotate(a, 25)) | 0;
  c = ((c ^ b) - rotate(b, 16)) | 0;
  a = ((a ^ c) - rotate(c, 4)) | 0;
  b = ((b ^ a) - rotate(a, 14)) | 0;
  c = ((c ^ b) - rotate(b, 24)) | 0;
  return c >>> 0;
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
