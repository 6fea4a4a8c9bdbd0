import { type Address, familyOf, formatAddress, ipv4, ipv6, parseAddress } from "../wire/address.ts";
import { addressBits, maskAddress, parseCidr } from "../wire/cidr.ts";
import type { OptionReader } from "./option.ts";

/** An address block as a term of a rule holds it. */
export interface Block {
  readonly base: Address;
  /** With a mask: its leading ones. */
  readonly prefixLength: number;
  /** A mask with holes, such as 255.0.255.0: these bits of an address are compared. */
  readonly mask?: Address;
}

/** Reads `10.0.0.0/8`, `10.0.0.0/255.0.0.0`, `10.0.0.1` or `10/8`; host bits are cut off. */
export function readBlock(read: OptionReader, text: string = read.value()): Block {
  const full = read.family === "ipv4" ? withAllOctets(text) : text;
  const block = parseCidr(full) ?? parseMasked(full);
  if (block === undefined) return read.fail("BAD_ADDRESS", `${text} is not an address or ADDRESS/PREFIX`);
  if (familyOf(block.base) !== read.family) {
    return read.fail("WRONG_FAMILY", `${text} is not an ${read.family === "ipv4" ? "IPv4" : "IPv6"} address`);
  }
  return block;
}

/** Reads one address without a prefix. */
export function readAddress(read: OptionReader, text: string = read.value()): Address {
  const address = parseAddress(text);
  if (address === undefined || familyOf(address) !== read.family) {
    return read.fail("BAD_ADDRESS", `${text} is not an ${read.family === "ipv4" ? "IPv4" : "IPv6"} address`);
  }
  return address;
}

/** `10/8`, `10.1`: octets that are left out are 0 (xtables_numeric_to_ipaddr of libxtables). */
function withAllOctets(text: string): string {
  return text.replace(/^\d+(\.\d+){0,2}(?=\/|$)/, (octets) => octets + ".0".repeat(4 - octets.split(".").length));
}

function parseMasked(text: string): Block | undefined {
  const [left = "", right = ""] = text.split("/");
  const base = parseAddress(left);
  const mask = parseAddress(right);
  if (base === undefined || mask === undefined || typeof base !== typeof mask) return undefined;
  const prefixLength = leadingOnes(mask);
  if (maskAddress(allOnes(mask), prefixLength) === mask) return { base: maskAddress(base, prefixLength), prefixLength };
  return { base: maskedBits(base, mask), prefixLength, mask };
}

function leadingOnes(mask: Address): number {
  const bits = mask.toString(2).padStart(addressBits(mask), "0");
  return bits.includes("0") ? bits.indexOf("0") : bits.length;
}

/** The mask of a prefix. */
export function prefixMask(family: "ipv4" | "ipv6", prefixLength: number): Address {
  return maskAddress(allOnes(family === "ipv4" ? ipv4(0) : ipv6(0n)), prefixLength);
}

function allOnes(like: Address): Address {
  return typeof like === "number" ? ipv4(0xffffffff) : ipv6(2n ** 128n - 1n);
}

/** The bits of an address that a mask keeps. */
export function maskedBits(address: Address, mask: Address): Address {
  return typeof address === "number" ? ipv4(address & Number(mask)) : ipv6(address & BigInt(mask));
}

export function inBlock(block: Block, address: Address): boolean {
  const { base, prefixLength, mask } = block;
  if (prefixLength === (typeof address === "number" ? 32 : 128)) return base === address;
  if (typeof base !== typeof address) return false;
  return (mask === undefined ? maskAddress(address, prefixLength) : maskedBits(address, mask)) === base;
}

/** `10.0.0.0/8`, always with the prefix or mask. */
export function printBlock({ base, prefixLength, mask }: Block): string {
  return `${formatAddress(base)}/${mask === undefined ? prefixLength : formatAddress(mask)}`;
}

/** `10.0.0.0/8`, but a single address without the prefix. */
export function printShortBlock(block: Block): string {
  return block.prefixLength === addressBits(block.base) ? formatAddress(block.base) : printBlock(block);
}
