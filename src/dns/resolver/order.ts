import { type Address, type IPv6, ipv6, isLinkLocal, isLoopback } from "../../wire/address.ts";
import { type Cidr, contains, parseCidr } from "../../wire/cidr.ts";
import type { Flavour } from "./api.ts";

/** The source the kernel would take, with the prefix length of that address on its device. */
export type SourceFor = (
  destination: Address,
) => { readonly address: Address; readonly prefixLength: number } | undefined;

interface Policy {
  readonly block: Cidr;
  readonly precedence: number;
  readonly label: number;
}

function policies(rows: readonly (readonly [block: string, precedence: number, label: number])[]): readonly Policy[] {
  return rows
    .map(([block, precedence, label]) => ({ block: parseCidr(block) as Cidr, precedence, label }))
    .sort((a, b) => b.block.prefixLength - a.block.prefixLength);
}

/** RFC 6724, section 2.1: musl and Go. Unique local addresses come after IPv4. */
const rfc6724 = policies([
  ["::1/128", 50, 0],
  ["::ffff:0:0/96", 35, 4],
  ["2002::/16", 30, 2],
  ["2001::/32", 5, 5],
  ["fc00::/7", 3, 13],
  ["::/0", 40, 1],
]);

/** RFC 3484's, as glibc still has them: unique local addresses come before IPv4. sysdeps/posix/getaddrinfo.c */
const rfc3484 = policies([
  ["::1/128", 50, 0],
  ["::ffff:0:0/96", 10, 4],
  ["::/96", 20, 3],
  ["2002::/16", 30, 2],
  ["2001::/32", 40, 7],
  ["fec0::/10", 40, 5],
  ["fc00::/7", 40, 6],
  ["::/0", 40, 1],
]);

/**
 * Sorts addresses as the resolver hands them to the program: RFC 6724, section 6, rules 1, 2, 5, 6, 8 and 9, in the
 * way each implementation has them. Equal ones stay in the order of the answer.
 */
export function destinationOrder(
  addresses: readonly Address[],
  flavour: Flavour,
  sourceFor: SourceFor,
): readonly Address[] {
  if (addresses.length < 2) return addresses;
  // musl leaves a list of IPv4 addresses alone.
  const isMusl = flavour === "musl" || flavour === "musl-1.2.3";
  if (isMusl && addresses.every((address) => typeof address === "number")) return addresses;
  const table = flavour === "glibc" ? rfc3484 : rfc6724;
  return addresses
    .map((address) => ({ address, rank: rankOf(address, flavour, table, sourceFor(address)) }))
    .sort((a, b) => compareRanks(a, b))
    .map(({ address }) => address);
}

interface Ranked {
  readonly address: Address;
  /** Rules 1, 2, 5, 6 and 8 in this order; more is better. */
  readonly rank: { readonly rules: readonly number[]; readonly prefix: number };
}

function compareRanks(a: Ranked, b: Ranked): number {
  for (const [index, value] of a.rank.rules.entries()) {
    const difference = (b.rank.rules[index] as number) - value;
    if (difference !== 0) return difference;
  }
  return typeof a.address === typeof b.address ? b.rank.prefix - a.rank.prefix : 0;
}

function rankOf(
  destination: Address,
  flavour: Flavour,
  table: readonly Policy[],
  source: ReturnType<SourceFor>,
): Ranked["rank"] {
  const policy = policyOf(destination, table);
  const scope = scopeOf(destination);
  const rules = [
    source === undefined ? 0 : 1,
    source !== undefined && scopeOf(source.address) === scope ? 1 : 0,
    source !== undefined && policyOf(source.address, table).label === policy.label ? 1 : 0,
    policy.precedence,
    -scope,
  ];
  return { rules, prefix: source === undefined ? 0 : matchingPrefix(destination, source, flavour) };
}

/** Rule 9. Of IPv4, glibc counts destinations in the source's own subnet only, and Go none at all. */
function matchingPrefix(destination: Address, source: NonNullable<ReturnType<SourceFor>>, flavour: Flavour): number {
  if (typeof destination !== typeof source.address) return 0;
  const common = commonPrefix(mapped(destination), mapped(source.address));
  if (typeof destination === "bigint") return common;
  if (flavour === "go") return 0;
  return flavour === "glibc" && common - 96 < source.prefixLength ? 0 : common;
}

function commonPrefix(a: IPv6, b: IPv6): number {
  const difference = a ^ b;
  return difference === 0n ? 128 : 128 - difference.toString(2).length;
}

/** An IPv4 address as `::ffff:a.b.c.d`. */
function mapped(address: Address): IPv6 {
  return typeof address === "bigint" ? address : ipv6((0xffffn << 32n) | BigInt(address));
}

function policyOf(address: Address, table: readonly Policy[]): Policy {
  const wide = mapped(address);
  return table.find(({ block }) => contains(block, wide)) as Policy;
}

/** RFC 6724, section 3.1: link-local 2, site-local 5, global 14. */
function scopeOf(address: Address): number {
  if (isLoopback(address) || isLinkLocal(address)) return 2;
  return typeof address === "bigint" && address >> 118n === 0x3fbn ? 5 : 14;
}
