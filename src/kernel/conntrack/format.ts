import { formatAddress } from "../../wire/address.ts";
import { nanosPerSecond } from "../clock.ts";
import { greNumber } from "./protocol.ts";
import type { Accounting, ConntrackEntry, Direction, Tuple } from "./entry.ts";

/** IANA protocol number of DCCP. */
const dccpNumber = 33;

const numbers = { tcp: 6, udp: 17, sctp: 132, icmp: 1, icmpv6: 58 } as const;

/** The entry as `conntrack -L` prints it, with the seconds left at `nowNanos`. conntrack(8). */
export function formatEntry(entry: ConntrackEntry, nowNanos: number): string {
  const { protocol, number = 0 } = entry.original;
  const name = nameOf(entry.original);
  const secondsLeft = Math.max(0, Math.floor((entry.expiresAtNanos - nowNanos) / nanosPerSecond));
  const rest = formatBody(entry, entry.accounting);
  const { original, reply } = entry.zone;
  const zone = original === 0 || original !== reply ? "" : ` zone=${original}`;
  return `${name.padEnd(8)} ${protocol === "other" ? number : numbers[protocol]} ${secondsLeft} ${rest} mark=${entry.mark}${zone} use=1`;
}

/** The entry without what changes from run to run: `tcp SYN_SENT src=... [UNREPLIED] src=...`. */
export function formatConnection(entry: ConntrackEntry): string {
  return `${nameOf(entry.original)} ${formatBody(entry)}`;
}

/** Of the other protocols conntrack(8) knows these two by name. */
function nameOf({ protocol, number }: Tuple): string {
  if (protocol !== "other") return protocol;
  return number === greNumber ? "gre" : number === dccpNumber ? "dccp" : "unknown";
}

function formatBody(entry: ConntrackEntry, accounting?: Accounting): string {
  const state = entry.tcpState ?? entry.sctpState;
  const { original, reply } = entry.zone;
  const counters = (direction: Direction): string[] => {
    const { packets = 0, bytes = 0 } = accounting?.[direction] ?? {};
    return accounting === undefined ? [] : [`packets=${packets} bytes=${bytes}`];
  };
  return [
    ...(state === undefined ? [] : [state]),
    formatTuple(entry.original),
    ...(original === 0 || original === reply ? [] : [`zone-orig=${original}`]),
    ...counters("original"),
    ...(entry.seenReply ? [] : ["[UNREPLIED]"]),
    formatTuple(entry.reply),
    ...(reply === 0 || original === reply ? [] : [`zone-reply=${reply}`]),
    ...counters("reply"),
    ...(entry.assured ? ["[ASSURED]"] : []),
  ].join(" ");
}

/** One direction: `src=10.0.0.1 dst=10.0.0.2 sport=40000 dport=80`. */
export function formatTuple(tuple: Tuple): string {
  const addresses = `src=${formatAddress(tuple.src)} dst=${formatAddress(tuple.dst)}`;
  switch (tuple.protocol) {
    case "tcp":
    case "udp":
    case "sctp":
      return `${addresses} sport=${tuple.srcPort} dport=${tuple.dstPort}`;
    case "icmp":
    case "icmpv6":
      return `${addresses} type=${tuple.icmpType ?? 0} code=0 id=${tuple.srcPort}`;
    case "other":
      // Keys of GRE belong to PPTP, which is not modelled; a kernel without DCCP sees no ports.
      if (tuple.number === greNumber) return `${addresses} srckey=0x0 dstkey=0x0`;
      return tuple.number === dccpNumber ? `${addresses} sport=0 dport=0` : addresses;
  }
}
