import type { Connection } from "../../kernel/conntrack/connection.ts";
import type { Tuple } from "../../kernel/conntrack/entry.ts";
import { equalTuples, tupleOf } from "../../kernel/conntrack/tuple.ts";
import type { NetworkNamespace } from "../../kernel/namespace.ts";
import type { Skb } from "../../kernel/skb.ts";
import { formatAddress } from "../../wire/address.ts";
import { addressBits, maskAddress } from "../../wire/cidr.ts";
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

/** A connection that was counted; one that nobody tracked has a tuple only, and an ICMP error not even that. */
interface Known {
  readonly tuple: Tuple | undefined;
  readonly entry: Connection | undefined;
}

/** More of those that are gone are not swept out by one packet (CONNCOUNT_GC_MAX_NODES). */
const mostSwept = 8;

/**
 * Adds a connection unless it is there, and says how many there are. What is gone, was never confirmed or is closed
 * leaves on the way to it: __nf_conncount_add() of net/netfilter/nf_conncount.c.
 */
function count(known: Known[], own: Known, { conntrack }: NetworkNamespace, nowNanos: number): number {
  let swept = 0;
  for (let at = 0; at < known.length && swept <= mostSwept;) {
    const other = known[at] as Known;
    const entry = other.entry ?? (other.tuple && conntrack.find(other.tuple)?.entry);
    if (entry !== undefined && isFound(entry, nowNanos)) {
      if (other.tuple && own.tuple && equalTuples(other.tuple, own.tuple)) return known.length;
      if (!isClosed(entry)) {
        at++;
        continue;
      }
    }
    known.splice(at, 1);
    swept++;
  }
  return known.push(own);
}

function isFound({ confirmed, dead, expiresAtNanos }: Connection, nowNanos: number): boolean {
  return confirmed && !dead && expiresAtNanos > nowNanos;
}

function isClosed({ tcpState }: Connection): boolean {
  return tcpState === "TIME_WAIT" || tcpState === "CLOSE";
}

/** What a packet counts for. Behind `-j CT` a template stands in the place of its connection. */
function ownOf({ conntrack, packet, zone }: Skb): Known {
  if (conntrack !== undefined) return { tuple: conntrack.entry.original, entry: conntrack.entry };
  return { tuple: zone === undefined ? tupleOf(packet) : undefined, entry: undefined };
}

/** What a packet is counted under: the address, and the zone of its connection. */
function keyOf({ side, prefixLength }: ConnlimitMatch, { packet, conntrack, zone }: Skb): string {
  const address = side === "source" ? packet.src : packet.dst;
  const { original = 0, reply = 0 } = conntrack?.entry.zone ?? zone ?? {};
  return `${formatAddress(maskAddress(address, prefixLength))} ${original || reply}`;
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
    const { skb, namespace } = evaluation.state;
    const all = evaluation.memory(() => new Map<string, Known[]>());
    const key = keyOf(match, skb);
    let known = all.get(key);
    if (known === undefined) all.set(key, (known = []));
    return count(known, ownOf(skb), namespace, evaluation.nowNanos) > match.limit === match.above;
  },
  changesWhenAsked: true,
  explain: (match): Failure => ({
    term: connlimit.print(match),
    packet: match.above ? "not so many connections" : "more connections",
  }),
  needsConntrack: true,
};
