import { utf8ToBytes } from "@noble/hashes/utils.js";
import { packetBytes } from "../../wire/packet.ts";
import type { KnownBytes } from "../known-bytes.ts";
import type { OptionReader } from "../option.ts";
import { bytesOf } from "../packet-bytes.ts";
import { type MatchModule, printOption } from "./module.ts";

/** `-m string`: a piece of text somewhere in the packet, its headers included. */
export interface StringMatch {
  readonly kind: "string";
  readonly pattern: readonly number[];
  readonly inverted: boolean;
  readonly algorithm: "bm" | "kmp";
  /** The first byte that is looked at, and the one behind the last. */
  readonly from: number;
  readonly to: number;
  readonly ignoreCase?: true;
}

const mostBytes = 128;
const lastOffset = 65_535;

/** Text and `|0d 0a|`; a backslash before a bar makes it text. */
function readHex(read: OptionReader): number[] {
  const text = read.value();
  const pattern: number[] = [];
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "\\" && at + 1 < text.length) pattern.push(...utf8ToBytes(text[++at] as string));
    else if (text[at] !== "|") pattern.push(...utf8ToBytes(text[at] as string));
    else {
      const end = text.indexOf("|", at + 1);
      const digits = text.slice(at + 1, end < 0 ? text.length : end).replaceAll(" ", "");
      if (!/^([0-9a-f]{2})*$/i.test(digits)) read.fail("BAD_VALUE", `${digits} is not pairs of hexadecimal digits`);
      for (let pair = 0; pair < digits.length; pair += 2) {
        pattern.push(Number.parseInt(digits.slice(pair, pair + 2), 16));
      }
      at = end < 0 ? text.length : end;
    }
  }
  return pattern;
}

function isPrintable(byte: number): boolean {
  return byte >= 0x20 && byte < 0x7f;
}

function print(match: StringMatch): string {
  const { pattern, inverted, algorithm, from, to, ignoreCase } = match;
  const backslash = 0x5c;
  const isText = pattern.every(isPrintable) && pattern.at(-1) !== backslash;
  const text = isText
    ? String.fromCharCode(...pattern).replaceAll(/["\\]/g, "\\$&")
    : `|${pattern.map((byte) => byte.toString(16).padStart(2, "0")).join("")}|`;
  return (
    printOption(inverted, isText ? "--string" : "--hex-string", `"${text}"`) +
    ` --algo ${algorithm}` +
    (from === 0 ? "" : ` --from ${from}`) +
    (to === lastOffset ? "" : ` --to ${to}`) +
    (ignoreCase ? " --icase" : "")
  );
}

/** The bit that tells small letters from capitals. */
const caseBit = 0x20;

function isLetter(byte: number): boolean {
  return /[a-z]/i.test(String.fromCharCode(byte));
}

/** So many bytes that are drawn or computed do not spell a piece of the text by chance: less than one in 16 million. */
const tooManyDrawn = 3;

/** Whether the text begins at a place; undefined where bytes are not known. */
function standsAt({ pattern, ignoreCase }: StringMatch, bytes: KnownBytes, at: number): boolean | undefined {
  let whole: boolean | undefined = true;
  let drawn = 0;
  for (const [offset, wanted] of pattern.entries()) {
    const known = bytes.known[at + offset] as number;
    const compared = ignoreCase && isLetter(wanted) ? known & ~caseBit : known;
    if (((bytes.values[at + offset] as number) ^ wanted) & compared) return false;
    if (known === 0xff) continue;
    whole = undefined;
    if (bytes.drawn[at + offset] === 1 && ++drawn === tooManyDrawn) return false;
  }
  return whole;
}

/** skb_find_text(): the text lies whole between the offsets. */
function find(match: StringMatch, bytes: KnownBytes): boolean | undefined {
  const last = Math.min(match.to, bytes.length) - match.pattern.length;
  let found: boolean | undefined = false;
  for (let at = match.from; at <= last; at++) {
    const stands = standsAt(match, bytes, at);
    if (stands === true) return true;
    if (stands === undefined) found = undefined;
  }
  return found;
}

export const string: MatchModule<StringMatch> = {
  options: {
    "--string": (draft, read) =>
      void Object.assign(draft, { inverted: read.inverted(), pattern: [...utf8ToBytes(read.value())] }),
    "--hex-string": (draft, read) => void Object.assign(draft, { inverted: read.inverted(), pattern: readHex(read) }),
    "--algo"(draft, read) {
      const name = read.value();
      if (name !== "bm" && name !== "kmp") return read.fail("BAD_VALUE", "use --algo bm or --algo kmp");
      draft.algorithm = name;
    },
    "--from": (draft, read) => void (draft.from = read.number(0, lastOffset)),
    "--to": (draft, read) => void (draft.to = read.number(0, lastOffset)),
    "--icase": (draft) => void (draft.ignoreCase = true),
  },
  start: () => ({ kind: "string", from: 0, to: lastOffset }),
  finish(draft, read) {
    const { pattern, inverted, algorithm, from = 0, to = lastOffset, ignoreCase } = draft;
    if (pattern === undefined || inverted === undefined || algorithm === undefined) {
      return read.fail("MISSING_OPTION", "-m string needs --algo, and --string or --hex-string");
    }
    if (pattern.length === 0 || pattern.length > mostBytes) {
      read.fail("BAD_VALUE", `the text must have 1 to ${mostBytes} bytes`);
    }
    return { kind: "string", pattern, inverted, algorithm, from, to, ...(ignoreCase && { ignoreCase }) };
  },
  print,
  // string_mt() of net/netfilter/xt_string.c.
  matches(match, { state }) {
    const found = find(match, bytesOf(state.skb.packet));
    return found === undefined ? undefined : found !== match.inverted;
  },
  explain: (match, { state }) => ({
    term: print(match),
    packet: match.inverted ? "has it" : `${packetBytes(state.skb.packet)} bytes without it`,
  }),
};
