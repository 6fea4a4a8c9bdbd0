import { type ConntrackEntry, type Tuple } from "../../kernel/conntrack/entry.ts";
import type { Skb } from "../../kernel/skb.ts";
import type { Address } from "../../wire/address.ts";
import { formatAddress } from "../../wire/address.ts";
import { type Block, inBlock, printShortBlock, readBlock } from "../addresses.ts";
import type { Draft, OptionReader } from "../option.ts";
import { protocolByName } from "../protocols.ts";
import { type Failure, type MatchModule, printOption } from "./module.ts";
import { type PortRange, inRange, printRange, readPortRange } from "./ranges.ts";

/** Bits of `--ctstate`, in the order in which they are printed. */
export const stateBits = {
  INVALID: 1,
  NEW: 2,
  RELATED: 4,
  ESTABLISHED: 8,
  UNTRACKED: 16,
  SNAT: 32,
  DNAT: 64,
} as const;

/** Bits of `--ctstatus` (enum ip_conntrack_status); 0 is `NONE`. */
export const statusBits = { EXPECTED: 1, SEEN_REPLY: 2, ASSURED: 4, CONFIRMED: 8 } as const;

/** A set of bits, or its complement. */
export interface Bits {
  readonly bits: number;
  readonly inverted: boolean;
}

/** An address under a prefix, as `--ctorigsrc` takes it. */
export interface TupleAddress extends Block {
  readonly inverted: boolean;
}

/** `-m conntrack`. */
export interface ConntrackMatch {
  readonly kind: "conntrack";
  readonly states?: Bits;
  readonly protocol?: { readonly number: number; readonly inverted: boolean };
  readonly originalSrc?: TupleAddress;
  readonly originalDst?: TupleAddress;
  readonly replySrc?: TupleAddress;
  readonly replyDst?: TupleAddress;
  readonly originalSrcPort?: PortRange;
  readonly originalDstPort?: PortRange;
  readonly replySrcPort?: PortRange;
  readonly replyDstPort?: PortRange;
  readonly status?: Bits;
  /** Seconds left. */
  readonly expire?: PortRange;
  readonly direction?: "ORIGINAL" | "REPLY";
}

/** The `--ctstate` bits of a packet: one state, and SNAT or DNAT where its connection is translated. */
export function stateOf(skb: Skb): number {
  const { conntrack } = skb;
  if (conntrack === undefined) {
    // Behind `-j CT`, and before conntrack looks, a template stands in its place.
    if (skb.zone !== undefined) return stateBits.NEW;
    return skb.untracked ? stateBits.UNTRACKED : stateBits.INVALID;
  }
  const { entry } = conntrack;
  return (
    (conntrack.state === "new"
      ? stateBits.NEW
      : conntrack.state === "related"
        ? stateBits.RELATED
        : stateBits.ESTABLISHED) |
    (entry.isTranslated("src") ? stateBits.SNAT : 0) |
    (entry.isTranslated("dst") ? stateBits.DNAT : 0)
  );
}

function statusOf(entry: ConntrackEntry): number {
  return (
    (entry.seenReply ? statusBits.SEEN_REPLY : 0) |
    (entry.assured ? statusBits.ASSURED : 0) |
    (entry.confirmed ? statusBits.CONFIRMED : 0)
  );
}

/** Reads `NEW,ESTABLISHED`; as iptables does, in any case and cut short (`est`): the first name that begins so. */
export function readBits(names: Readonly<Record<string, number>>, read: OptionReader): Bits {
  const inverted = read.inverted();
  let bits = 0;
  for (const name of read.value().split(",")) {
    const full = name !== "" && Object.keys(names).find((known) => known.startsWith(name.toUpperCase()));
    const bit = full ? names[full] : undefined;
    if (bit === undefined) return read.fail("BAD_STATE", `${name} is not one of ${Object.keys(names).join(", ")}`);
    bits |= bit;
  }
  return { bits, inverted };
}

export function printBits(names: Readonly<Record<string, number>>, bits: number): string {
  const set = Object.entries(names).filter(([, bit]) => (bits & bit) !== 0);
  return set.length === 0 ? "NONE" : set.map(([name]) => name).join(",");
}

const tupleAddresses = {
  originalSrc: "--ctorigsrc",
  originalDst: "--ctorigdst",
  replySrc: "--ctreplsrc",
  replyDst: "--ctrepldst",
} as const;
const tuplePorts = {
  originalSrcPort: "--ctorigsrcport",
  originalDstPort: "--ctorigdstport",
  replySrcPort: "--ctreplsrcport",
  replyDstPort: "--ctrepldstport",
} as const;
type AddressKey = keyof typeof tupleAddresses;
type PortKey = keyof typeof tuplePorts;
const addressKeys = Object.keys(tupleAddresses) as AddressKey[];
const portKeys = Object.keys(tuplePorts) as PortKey[];

function addressOf(entry: ConntrackEntry, key: AddressKey): Address {
  switch (key) {
    case "originalSrc":
      return entry.original.src;
    case "originalDst":
      return entry.original.dst;
    case "replySrc":
      return entry.reply.src;
    case "replyDst":
      return entry.reply.dst;
  }
}

function portOf(entry: ConntrackEntry, key: PortKey): number {
  switch (key) {
    case "originalSrcPort":
      return entry.original.srcPort;
    case "originalDstPort":
      return dstPortOf(entry.original);
    case "replySrcPort":
      return entry.reply.srcPort;
    case "replyDstPort":
      return dstPortOf(entry.reply);
  }
}

/** Of an echo: type and code (union nf_conntrack_man_proto). */
function dstPortOf({ icmpType, dstPort }: Tuple): number {
  return icmpType === undefined ? dstPort : icmpType << 8;
}

function numberOf(tuple: Tuple): number {
  return tuple.number ?? protocolByName(tuple.protocol) ?? 0;
}

export const conntrack: MatchModule<ConntrackMatch> = {
  options: {
    "--ctstate": (draft, read) => void (draft.states = readBits(stateBits, read)),
    "--ctstatus": (draft, read) => void (draft.status = readBits({ NONE: 0, ...statusBits }, read)),
    "--ctproto"(draft, read) {
      const inverted = read.inverted();
      const text = read.value();
      const number = protocolByName(text) ?? read.fail("BAD_PROTOCOL", `${text} is not a protocol`);
      draft.protocol = { number, inverted };
    },
    "--ctexpire": (draft, read) => void (draft.expire = readPortRange(read, 0xffffffff)),
    "--ctdir"(draft, read) {
      const direction = read.value().toUpperCase();
      if (direction !== "ORIGINAL" && direction !== "REPLY") return read.fail("BAD_VALUE", "use ORIGINAL or REPLY");
      draft.direction = direction;
    },
    ...Object.fromEntries(
      addressKeys.map((key) => [
        tupleAddresses[key],
        (draft: Draft<ConntrackMatch>, read: OptionReader) =>
          void (draft[key] = { inverted: read.inverted(), ...readBlock(read) }),
      ]),
    ),
    ...Object.fromEntries(
      portKeys.map((key) => [
        tuplePorts[key],
        (draft: Draft<ConntrackMatch>, read: OptionReader) => void (draft[key] = readPortRange(read)),
      ]),
    ),
  },
  start: () => ({ kind: "conntrack" }),
  print(match) {
    const words: string[] = [];
    const { states, protocol, status, direction } = match;
    if (states) words.push(printOption(states.inverted, "--ctstate", printBits(stateBits, states.bits)));
    if (protocol) words.push(printOption(protocol.inverted, "--ctproto", String(protocol.number)));
    for (const key of addressKeys) {
      const address = match[key];
      if (address) words.push(printOption(address.inverted, tupleAddresses[key], printShortBlock(address)));
    }
    for (const key of portKeys) words.push(...printRange(tuplePorts[key], match[key]));
    if (status) words.push(printOption(status.inverted, "--ctstatus", printBits(statusBits, status.bits)));
    words.push(...printRange("--ctexpire", match.expire));
    if (direction) words.push(`--ctdir ${direction}`);
    return words.join(" ");
  },
  matches: (match, { state, nowNanos }) => failing(match, state.skb, nowNanos) === undefined,
  explain(match, { state, nowNanos }) {
    const term = failing(match, state.skb, nowNanos);
    return term === undefined
      ? { term: conntrack.print(match), packet: "its connection" }
      : explainTerm(match, term, state.skb);
  },
  needsConntrack: true,
};

type Term = Exclude<keyof ConntrackMatch, "kind">;

/** The first term that does not hold, in the order of conntrack_mt (net/netfilter/xt_conntrack.c). */
function failing(match: ConntrackMatch, skb: Skb, nowNanos: number): Term | "no-connection" | undefined {
  const { states, direction, protocol, status } = match;
  if (states !== undefined && ((states.bits & stateOf(skb)) !== 0) === states.inverted) return "states";
  const info = skb.conntrack;
  // Without a connection nothing else is looked at.
  if (info === undefined) return states === undefined ? "no-connection" : undefined;
  const { entry } = info;
  if (direction !== undefined && (info.direction === "original") !== (direction === "ORIGINAL")) return "direction";
  if (protocol !== undefined && (numberOf(entry.original) === protocol.number) === protocol.inverted) return "protocol";
  for (const key of addressKeys) {
    const block = match[key];
    if (block !== undefined && inBlock(block, addressOf(entry, key)) === block.inverted) return key;
  }
  for (const key of portKeys) {
    const range = match[key];
    if (range !== undefined && !inRange(range, portOf(entry, key))) return key;
  }
  if (status !== undefined && ((statusOf(entry) & status.bits) !== 0) === status.inverted) return "status";
  if (match.expire !== undefined && !inRange(match.expire, secondsLeft(entry, nowNanos))) return "expire";
  return undefined;
}

function secondsLeft(entry: ConntrackEntry, nowNanos: number): number {
  return entry.confirmed ? Math.max(0, Math.floor((entry.expiresAtNanos - nowNanos) / 1e9)) : 0;
}

function explainTerm(match: ConntrackMatch, term: Term | "no-connection", skb: Skb): Failure {
  const entry = skb.conntrack?.entry;
  if (term === "states") return notState("--ctstate", match.states as Bits, stateOf(skb));
  if (term === "no-connection" || entry === undefined) return { term: "-m conntrack", packet: "no connection" };
  return { term: conntrack.print({ kind: "conntrack", [term]: match[term] }), packet: valueOf(entry, term, skb) };
}

function valueOf(entry: ConntrackEntry, term: Exclude<Term, "states">, skb: Skb): string {
  switch (term) {
    case "direction":
      return skb.conntrack?.direction ?? "";
    case "protocol":
      return entry.original.protocol;
    case "status":
      return printBits(statusBits, statusOf(entry));
    case "expire":
      return "another time left";
    case "originalSrc":
    case "originalDst":
    case "replySrc":
    case "replyDst":
      return formatAddress(addressOf(entry, term));
    case "originalSrcPort":
    case "originalDstPort":
    case "replySrcPort":
    case "replyDstPort":
      return String(portOf(entry, term));
  }
}

/** What is said of a packet in none of the states. */
export function notState(option: string, states: Bits, bits: number): Failure {
  return {
    term: printOption(states.inverted, option, printBits(stateBits, states.bits)),
    packet: printBits(stateBits, bits),
  };
}
