import { type Address, compareAddresses, formatAddress } from "../../wire/address.ts";
import { readAddress } from "../addresses.ts";
import type { OptionReader } from "../option.ts";
import { type MatchModule, printOption } from "./module.ts";

/** Addresses from one to another, both included. */
export interface AddressRange {
  readonly first: Address;
  readonly last: Address;
  readonly inverted: boolean;
}

/** `-m iprange`. */
export interface IprangeMatch {
  readonly kind: "iprange";
  readonly src?: AddressRange;
  readonly dst?: AddressRange;
}

function readRange(read: OptionReader): AddressRange {
  const inverted = read.inverted();
  const [from = "", to = from] = read.value().split("-");
  const range = { first: readAddress(read, from), last: readAddress(read, to), inverted };
  if (compareAddresses(range.first, range.last) > 0) read.fail("BAD_RANGE", "the range ends before it begins");
  return range;
}

function printRange(option: string, range: AddressRange): string {
  return printOption(range.inverted, option, `${formatAddress(range.first)}-${formatAddress(range.last)}`);
}

function holds({ first, last, inverted }: AddressRange, address: Address): boolean {
  return (address >= first && address <= last) !== inverted;
}

export const iprange: MatchModule<IprangeMatch> = {
  options: {
    "--src-range": (draft, read) => void (draft.src = readRange(read)),
    "--dst-range": (draft, read) => void (draft.dst = readRange(read)),
  },
  start: () => ({ kind: "iprange" }),
  finish(draft, read) {
    if (draft.src === undefined && draft.dst === undefined) {
      return read.fail("MISSING_OPTION", "-m iprange needs --src-range or --dst-range");
    }
    return { ...draft, kind: "iprange" };
  },
  print: ({ src, dst }) =>
    [...(src ? [printRange("--src-range", src)] : []), ...(dst ? [printRange("--dst-range", dst)] : [])].join(" "),
  matches: ({ src, dst }, { state: { skb } }) =>
    (src === undefined || holds(src, skb.packet.src)) && (dst === undefined || holds(dst, skb.packet.dst)),
  explain({ src, dst }, { state: { skb } }) {
    if (src && !holds(src, skb.packet.src)) {
      return { term: printRange("--src-range", src), packet: formatAddress(skb.packet.src) };
    }
    return { term: dst ? printRange("--dst-range", dst) : "", packet: formatAddress(skb.packet.dst) };
  },
};
