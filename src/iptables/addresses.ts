import { type Address, familyOf, formatAddress, parseAddress } from "../wire/address.ts";
import { addressBits, maskAddress, parseCidr } from "../wire/cidr.ts";
import type { OptionReader } from "./option.ts";

/** An address block as a term of a rule holds it. */
export interface Block {
  readonly base: Address;
  readonly prefixLength: number;
}

/** Reads `10.0.0.0/8`, `10.0.0.0/255.0.0.0` or `10.0.0.1`; host bits are cut off. */
export function readBlock(read: OptionReader, text: string = read.value()): Block {
  const block = parseCidr(text) ?? parseMasked(text);
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

/** Masks with holes (255.0.255.0) are not taken. */
function parseMasked(text: string): Block | undefined {
  const [left = "", right = ""] = text.split("/");
  const base = parseAddress(left);
  const mask = parseAddress(right);
  if (base === undefined || mask === undefined || typeof base !== typeof mask) return undefined;
  const bits = addressBits(base);
  for (let prefixLength = 0; prefixLength <= bits; prefixLength++) {
    const ones = (typeof mask === "number" ? 0xffffffff : 2n ** 128n - 1n) as Address;
    if (maskAddress(ones, prefixLength) === mask) return { base: maskAddress(base, prefixLength), prefixLength };
  }
  return undefined;
}

export function inBlock(block: Block, address: Address): boolean {
  if (block.prefixLength === (typeof address === "number" ? 32 : 128)) return block.base === address;
  return typeof block.base === typeof address && maskAddress(address, block.prefixLength) === block.base;
}

/** `10.0.0.0/8`, always with the prefix. */
export function printBlock(block: Block): string {
  return `${formatAddress(block.base)}/${block.prefixLength}`;
}

/** `10.0.0.0/8`, but a single address without the prefix. */
export function printShortBlock(block: Block): string {
  return block.prefixLength === addressBits(block.base) ? formatAddress(block.base) : printBlock(block);
}
