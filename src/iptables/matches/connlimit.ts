import type { Connection } from "../../kernel/conntrack/connection.ts";
import { formatAddress } from "../../wire/address.ts";
import { addressBits, maskAddress } from "../../wire/cidr.ts";
import { hasPorts } from "../../wire/packet.ts";
import type { HookState } from "../../kernel/netfilter.ts";
import { readAddress } from "../addresses.ts";
import type { Draft, OptionReader } from "../option.ts";
import type { Failure, MatchModule } from "./module.ts";

/** `-m connlimit`: how many connections a client, a server, or the network of one has at once. */
export interface ConnlimitMatch {
  readonly kind: "connlimit";
  readonly limit: number;
  readonly above: boolean;
  /** Addresses that share these leading bits are counted together. */
  readonly prefixLength: number;
  readonly side: "source" | "destination";
}

function readLimit(draft: Draft<ConnlimitMatch>, read: OptionReader, above: boolean): void {
  if (draft.limit !== undefined) read.fail("BAD_OPTION", "use one of --connlimit-upto, --connlimit-above");
  Object.assign(draft, { above: read.inverted() !== above, limit: read.number(0, 0xffffffff) });
}

/** A number of bits, or a mask of so many ones. */
function readPrefix(read: OptionReader): number {
  const text = read.value();
  if (/^\d+$/.test(text)) return read.number(0, read.family === "ipv4" ? 32 : 128, text);
  const mask = readAddress(read, text);
  const bits = mask.toString(2).padStart(addressBits(mask), "0");
  return /^1*0*$/.test(bits)
    ? bits.lastIndexOf("1") + 1
    : read.fail("BAD_VALUE", `${text} is not a mask of leading ones`);
}

/** The connections of one address, oldest first; undefined stands for a packet of none, which the next look forgets. */
type Known = (Connection | undefined)[];

/** More of those that are gone are not swept out by one packet (CONNCOUNT_GC_MAX_NODES). */
const mostSwept = 8;

/**
 * Adds a connection unless it is there, and says how many there are. What is gone, was never confirmed or is closed
 * leaves on the way to it: __nf_conncount_add() of net/netfilter/nf_conncount.c.
 */
function count(known: Known, entry: Connection | undefined, nowNanos: number): number {
  let swept = 0;
  for (let at = 0; at < known.length && swept <= mostSwept;) {
    const other = known[at];
    if (other !== undefined && isFound(other, nowNanos)) {
      if (other.id === entry?.id) return known.length;
      if (!isClosed(other)) {
        at++;
        continue;
      }
    }
    known.splice(at, 1);
    swept++;
  }
  return known.push(entry);
}

function isFound({ confirmed, dead, expiresAtNanos }: Connection, nowNanos: number): boolean {
  return confirmed && !dead && expiresAtNanos > nowNanos;
}

function isClosed({ tcpState }: Connection): boolean {
  return tcpState === "TIME_WAIT" || tcpState === "CLOSE";
}

/** What a packet is counted under: the address, and the zone of its connection. */
function keyOf({ side, prefixLength }: ConnlimitMatch, { skb }: HookState): string {
  const address = side === "source" ? skb.packet.src : skb.packet.dst;
  return `${formatAddress(maskAddress(address, prefixLength))} ${skb.conntrack?.entry.zone.original ?? 0}`;
}

export const connlimit: MatchModule<ConnlimitMatch> = {
  options: {
    "--connlimit-upto": (draft, read) => readLimit(draft, read, false),
    "--connlimit-above": (draft, read) => readLimit(draft, read, true),
    "--connlimit-mask": (draft, read) => void (draft.prefixLength = readPrefix(read)),
    "--connlimit-saddr": (draft) => void (draft.side = "source"),
    "--connlimit-daddr": (draft) => void (draft.side = "destination"),
  },
  start: (family) => ({ kind: "connlimit", side: "source", prefixLength: family === "ipv4" ? 32 : 128 }),
  finish({ limit, above, prefixLength = 32, side = "source" }, read) {
    if (limit === undefined || above === undefined) {
      return read.fail("MISSING_OPTION", "-m connlimit needs --connlimit-upto or --connlimit-above");
    }
    return { kind: "connlimit", limit, above, prefixLength, side };
  },
  print: ({ above, limit, prefixLength, side }) =>
    `--connlimit-${above ? "above" : "upto"} ${limit} --connlimit-mask ${prefixLength} --connlimit-${side[0]}addr`,
  // connlimit_mt() of net/netfilter/xt_connlimit.c.
  matches(match, evaluation) {
    const { state, nowNanos } = evaluation;
    const { packet, conntrack } = state.skb;
    // What is of no connection and has no ports is thrown away by the match itself.
    if (conntrack === undefined && !hasPorts(packet.transport)) return undefined;
    const all = evaluation.memory(() => new Map<string, Known>());
    const key = keyOf(match, state);
    let known = all.get(key);
    if (known === undefined) all.set(key, (known = []));
    return count(known, conntrack?.entry, nowNanos) > match.limit === match.above;
  },
  changesWhenAsked: true,
  explain: (match): Failure => ({
    term: connlimit.print(match),
    packet: match.above ? "not so many connections" : "more connections",
  }),
  needsConntrack: true,
};
