import { DrawKey } from "../kernel/chance.ts";
import type { Skb } from "../kernel/skb.ts";
import { hasPorts as carriesPorts, protocolNumber } from "../wire/packet.ts";
import { stateOf } from "./matches/conntrack.ts";
import type { Match } from "./matches/index.ts";
import type { AddressMatch } from "./matches/ip.ts";
import { probabilityBits } from "./matches/statistic.ts";
import type { Rule } from "./rule.ts";
import type { Target } from "./targets/index.ts";

/*
 * A rule as the kernel keeps it: not objects but sixteen words in a row, 64 bytes, one cache line (ip_tables has
 * struct ipt_entry). The rule sets of large clusters do not fit into a processor's caches, so what a packet costs is
 * the lines it touches. The rows of a chain lie one behind the other, after a row of the chain's own.
 *
 *   word   0      1,2         3,4          5         6           7,8      9,10      11    12,13    14,15
 *   rule   flags  source      destination  protocol  destination test     action's  odds  packets  bytes
 *                 base, mask  base, mask   number    ports       (tests)  argument
 *   chain  name   length, 1 where all rules must be looked at, even split (even-split.ts) packets  bytes of its policy
 *
 * A row holds the terms of which most rules consist. A rule with others keeps in its row what may be looked at
 * first, and for the rest its match modules are asked (`ask`), as they always are where a trace wants the reason of a
 * miss. Both ways say the same: test/iptables/candidates.test.ts.
 */

export const rowWords = 16;
/** In the row of a chain: the complement of its number, which tells it from all rows of rules. */
export const nameWord = 0;
export const lengthWord = 1;
export const looksAtAllWord = 2;
/** Places among the 64-bit counters of a row, which begin at half the place of its words. */
export const packetsCounter = 6;
export const bytesCounter = 7;

const sourceWord = 1;
const destinationWord = 3;
const protocolWord = 5;
const portsWord = 6;
const testWord = 7;
export const argumentWord = 9;
const oddsWord = 11;

/** Bits of the flags word; it is 0 where the rule was not looked at yet. */
const isWritten = 1;
const hasSource = 1 << 1;
const notSource = 1 << 2;
const hasDestination = 1 << 3;
const notDestination = 1 << 4;
const hasProtocol = 1 << 5;
const notProtocol = 1 << 6;
const hasPorts = 1 << 7;
const notPorts = 1 << 8;
const notTest = 1 << 9;
const testShift = 10;
const testMask = 7 << testShift;
const actionShift = 16;

const anyPort = { from: 0, to: 65_535, inverted: false };
const portedProtocols = { tcp: 6, udp: 17, sctp: 132 } as const;

/** The one further term that a row can hold. */
const tests = {
  none: 0,
  /** `-m mark`: value, mask. */
  mark: 1,
  /** `--ctstate` alone: its bits. */
  states: 2,
  /** `-m statistic --mode random`: what the id of its draw begins with; in the odds word, how likely it is. */
  chance: 3,
  /** Not held here. */
  modules: 4,
} as const;

/** What a rule does; the argument in words 9 and 10. */
export const actions = {
  count: 0,
  /** The chain's number in rule-memory.ts, 0 as long as nobody went there, and where its rows were then. */
  jump: 1,
  goto: 2,
  return: 3,
  accept: 4,
  drop: 5,
  /** Value, mask. */
  mark: 6,
  /** Address, port. */
  dnat: 7,
  /** The target's module is asked. */
  module: 8,
} as const;

/** What a row says of a packet; `ask`: its match modules decide. */
export type RowVerdict = "match" | "miss" | "ask";

/** What a rule needs of its surroundings to be written. */
export interface RuleSurroundings {
  /** What the id of its draw begins with (DrawKey), where it may be drawn here. */
  readonly drawStart: () => number | undefined;
  /** The number of a chain that packets may have come to already; 0 for others. */
  readonly numberOf: (chain: string) => number;
}

/** Writes a rule. Its counters are not touched. */
export function writeRule(
  words: Int32Array,
  row: number,
  { matches, target }: Rule,
  { drawStart, numberOf }: RuleSurroundings,
): void {
  const begun = isWritten | (writeTarget(words, row, target, numberOf) << actionShift);
  let flags = begun;
  /** A term was left to its module. */
  let left = false;
  for (const match of matches) {
    if (match.kind === "comment") continue;
    // The kernel looks at the terms of the header first, wherever they were written. Behind another term that is left
    // to its module, or takes a chance, nothing may be looked at before it.
    const added: number = isHeader(match)
      ? writeHeaderTerm(words, row, match)
      : left || testOf(flags) === tests.chance
        ? 0
        : writeExtension(words, row, match, drawStart);
    if (clashes(flags, added)) {
      words[row] = begun | (tests.modules << testShift);
      return;
    }
    left ||= added === 0;
    flags |= added;
  }
  words[row] = left ? (flags & ~testMask) | (tests.modules << testShift) : flags;
}

function isHeader({ kind }: Match): boolean {
  switch (kind) {
    case "source":
    case "destination":
    case "protocol":
    case "in-interface":
    case "out-interface":
    case "fragment":
      return true;
    default:
      return false;
  }
}

function testOf(flags: number): number {
  return (flags & testMask) >> testShift;
}

/** A row has room for one term of a kind, and for one test. */
function clashes(flags: number, added: number): boolean {
  const both = flags & added & (hasSource | hasDestination | hasProtocol | hasPorts);
  return both !== 0 || ((flags & testMask) !== 0 && (added & testMask) !== 0);
}

/** False for a term or target with other fields, which this file does not know. */
function hasFields(own: Match | Target, count: number): boolean {
  let fields = 0;
  for (const _field in own) fields++;
  return fields === count;
}

/** Puts a term into the row and says the flags that stand for it; 0: the row cannot hold it. */
function writeHeaderTerm(words: Int32Array, row: number, match: Match): number {
  switch (match.kind) {
    case "source":
      return writeBlock(words, row + sourceWord, match) ? hasSource | (match.inverted ? notSource : 0) : 0;
    case "destination":
      return writeBlock(words, row + destinationWord, match)
        ? hasDestination | (match.inverted ? notDestination : 0)
        : 0;
    case "protocol":
      // 0 is all protocols, whose negation no rule has.
      if (match.number === 0 || !hasFields(match, 3)) return 0;
      words[row + protocolWord] = (words[row + protocolWord] as number) | match.number;
      return hasProtocol | (match.inverted ? notProtocol : 0);
    default:
      return 0;
  }
}

function writeBlock(words: Int32Array, at: number, match: AddressMatch): boolean {
  const { base, prefixLength } = match;
  if (typeof base === "bigint" || !hasFields(match, 4)) return false;
  words[at] = base | 0;
  words[at + 1] = prefixLength === 0 ? 0 : -1 << (32 - prefixLength);
  return true;
}

/** The same for the terms of `-m`. A test takes the place of another, so only one fits. */
function writeExtension(
  words: Int32Array,
  row: number,
  match: Match,
  drawStart: RuleSurroundings["drawStart"],
): number {
  switch (match.kind) {
    case "tcp":
    case "udp":
    case "sctp": {
      const { dstPorts = anyPort } = match;
      if (!hasFields(match, match.dstPorts === undefined ? 1 : 2)) return 0;
      words[row + portsWord] = (dstPorts.from << 16) | dstPorts.to;
      words[row + protocolWord] = (words[row + protocolWord] as number) | (portedProtocols[match.kind] << 8);
      return hasPorts | (dstPorts.inverted ? notPorts : 0);
    }
    case "mark":
      if (!hasFields(match, 4)) return 0;
      words[row + testWord] = match.value;
      words[row + testWord + 1] = match.mask;
      return (tests.mark << testShift) | (match.inverted ? notTest : 0);
    case "conntrack":
      if (match.states === undefined || !hasFields(match, 2)) return 0;
      words[row + testWord] = match.states.bits;
      return (tests.states << testShift) | (match.states.inverted ? notTest : 0);
    case "statistic": {
      const start = match.mode === "random" ? drawStart() : undefined;
      if (match.mode !== "random" || start === undefined) return 0;
      if (!hasFields(match, 4)) return 0;
      words[row + testWord] = start;
      // Over 2^31; a certainty does not fit.
      if (probabilityBits(match) >= 2 ** 31) return 0;
      words[row + oddsWord] = probabilityBits(match);
      return (tests.chance << testShift) | (match.inverted ? notTest : 0);
    }
    default:
      return 0;
  }
}

/** Whether the rule of a row was not looked at yet. */
export function isUnwritten(words: Int32Array, row: number): boolean {
  return words[row] === 0;
}

/** Says which action a rule has, and writes its argument. */
function writeTarget(
  words: Int32Array,
  row: number,
  target: Target | undefined,
  numberOf: RuleSurroundings["numberOf"],
): number {
  switch (target?.kind) {
    case undefined:
      return actions.count;
    case "jump":
    case "goto":
      // A chain that is not known by number yet is looked up when a packet first goes there.
      words[row + argumentWord] = numberOf(target.chain);
      words[row + argumentWord + 1] = 0;
      return target.kind === "jump" ? actions.jump : actions.goto;
    case "RETURN":
      return actions.return;
    case "ACCEPT":
      return actions.accept;
    case "DROP":
      return actions.drop;
    case "MARK":
      if (!hasFields(target, 3)) return actions.module;
      words[row + argumentWord] = target.value;
      words[row + argumentWord + 1] = target.mask;
      return actions.mark;
    case "DNAT": {
      const { address, port } = target;
      if (typeof address !== "number" || port === undefined || !hasFields(target, 3)) {
        return actions.module;
      }
      words[row + argumentWord] = address;
      words[row + argumentWord + 1] = port;
      return actions.dnat;
    }
    default:
      return actions.module;
  }
}

export function actionOf(words: Int32Array, row: number): number {
  return (words[row] as number) >>> actionShift;
}

/** What of 2^31 packets the rule at a position takes, if it takes packets by chance alone; 0: it does not. */
export function oddsOf(words: Int32Array, chainRow: number, at: number): number {
  const row = chainRow + (at + 1) * rowWords;
  const terms = (words[row] as number) & ((1 << actionShift) - 1) & ~isWritten;
  return terms === tests.chance << testShift ? (words[row + oddsWord] as number) : 0;
}

/** What of a packet the rows are compared with, taken out once for all rules of a table. */
export class PacketWords {
  skb!: Skb;
  src = 0;
  dst = 0;
  protocol = 0;
  /** -1: it has none, or is a later fragment. */
  dstPort = -1;
  readonly #drawKey = new DrawKey();

  /** What the ids of its draws end with. */
  get drawKey(): DrawKey {
    this.#drawKey.text = this.skb.flowKey;
    return this.#drawKey;
  }

  set(skb: Skb): void {
    const { src, dst, transport, fragment } = skb.packet;
    this.skb = skb;
    // Rules of IPv6 hold no addresses in their rows.
    this.src = typeof src === "number" ? src | 0 : 0;
    this.dst = typeof dst === "number" ? dst | 0 : 0;
    this.protocol = protocolNumber(transport);
    this.dstPort =
      carriesPorts(transport) && (fragment === undefined || fragment.offset === 0) ? transport.dstPort : -1;
  }
}

/** Compares a packet with a row that is written. */
export function compare(words: Int32Array, row: number, packet: PacketWords): RowVerdict {
  const flags = words[row] as number;
  if ((flags & hasSource) !== 0) {
    const differs = (packet.src ^ (words[row + sourceWord] as number)) & (words[row + sourceWord + 1] as number);
    if ((differs === 0) === ((flags & notSource) !== 0)) return "miss";
  }
  if ((flags & hasDestination) !== 0) {
    const base = words[row + destinationWord] as number;
    const differs = (packet.dst ^ base) & (words[row + destinationWord + 1] as number);
    if ((differs === 0) === ((flags & notDestination) !== 0)) return "miss";
  }
  if ((flags & hasProtocol) !== 0) {
    const isOwn = packet.protocol === ((words[row + protocolWord] as number) & 0xff);
    if (isOwn === ((flags & notProtocol) !== 0)) return "miss";
  }
  if ((flags & hasPorts) !== 0) {
    const { dstPort } = packet;
    if (dstPort < 0 || packet.protocol !== (words[row + protocolWord] as number) >>> 8) return "miss";
    const ports = words[row + portsWord] as number;
    const isInside = dstPort >= ports >>> 16 && dstPort <= (ports & 0xffff);
    if (isInside === ((flags & notPorts) !== 0)) return "miss";
  }
  switch (testOf(flags)) {
    case tests.none:
      return "match";
    case tests.modules:
      return "ask";
    case tests.chance:
      // Its step tells the draw.
      if (packet.skb.track !== undefined) return "ask";
      break;
  }
  return passesTest(words, row, packet) === ((flags & notTest) !== 0) ? "miss" : "match";
}

function passesTest(words: Int32Array, row: number, packet: PacketWords): boolean {
  const first = words[row + testWord] as number;
  const second = words[row + testWord + 1] as number;
  switch (testOf(words[row] as number)) {
    case tests.mark:
      return (packet.skb.mark & second) === first;
    case tests.states:
      return (first & stateOf(packet.skb)) !== 0;
    default:
      return packet.drawKey.draw(first) < (words[row + oddsWord] as number);
  }
}
