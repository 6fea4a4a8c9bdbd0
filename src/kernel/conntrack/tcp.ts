import { payloadBytes } from "../../wire/packet.ts";
import type { Packet, TcpFlags, TcpSegment } from "../../wire/packet.ts";
import type { Connection } from "./connection.ts";
import type { Direction, TcpIndex, TcpState } from "./entry.ts";
import type { ConntrackSettings } from "./settings.ts";

/**
 * What the tracker says. `ignored`: the packet passes, but neither prolongs the connection nor counts for it.
 * `repeat` asks for the lookup to be done again, without the entry that was deleted.
 */
export type TrackVerdict = "accept" | "ignored" | "invalid" | "repeat";

/** The columns of the table below. */
const columns: readonly TcpState[] = [
  "NONE",
  "SYN_SENT",
  "SYN_RECV",
  "ESTABLISHED",
  "FIN_WAIT",
  "CLOSE_WAIT",
  "LAST_ACK",
  "TIME_WAIT",
  "CLOSE",
  "SYN_SENT2",
];
const column: ReadonlyMap<TcpState, number> = new Map(columns.map((state, index) => [state, index]));

type Next = TcpState | "INVALID" | "IGNORE";

const letters: Readonly<Record<string, Next>> = {
  ss: "SYN_SENT",
  sr: "SYN_RECV",
  es: "ESTABLISHED",
  fw: "FIN_WAIT",
  cw: "CLOSE_WAIT",
  la: "LAST_ACK",
  tw: "TIME_WAIT",
  cl: "CLOSE",
  s2: "SYN_SENT2",
  "--": "INVALID",
  ig: "IGNORE",
};

function row(text: string): readonly Next[] {
  return text.split(" ").map((cell) => letters[cell] as Next);
}

/** The state after a segment, by direction, flags and the state before: tcp_conntracks, nf_conntrack_proto_tcp.c. */
const transitions: Readonly<Record<Direction, Readonly<Record<TcpIndex, readonly Next[]>>>> = {
  original: {
    //          NO SS SR ES FW CW LA TW CL S2
    syn: row("ss ss ig ig ig ig ig ss ss s2"),
    synack: row("-- -- sr -- -- -- -- -- -- sr"),
    fin: row("-- -- fw fw la la la tw cl --"),
    ack: row("es -- es es cw cw tw tw cl --"),
    rst: row("-- cl cl cl cl cl cl cl cl cl"),
    none: row("-- -- -- -- -- -- -- -- -- --"),
  },
  reply: {
    syn: row("-- s2 -- -- -- -- -- ss -- s2"),
    synack: row("-- sr ig ig ig ig ig ig ig sr"),
    fin: row("-- -- fw fw la la la tw cl --"),
    ack: row("-- ig sr es cw cw tw tw cl ig"),
    rst: row("-- cl cl cl cl cl cl cl cl cl"),
    none: row("-- -- -- -- -- -- -- -- -- --"),
  },
};

function indexOf(flags: TcpFlags): TcpIndex {
  if (flags.rst === true) return "rst";
  if (flags.syn === true) return flags.ack === true ? "synack" : "syn";
  if (flags.fin === true) return "fin";
  return flags.ack === true ? "ack" : "none";
}

/** Combinations of SYN, FIN, RST, ACK and URG that exist; PSH does not matter. tcp_valid_flags. */
function validFlags({ syn, ack, fin, rst, urg }: TcpFlags): boolean {
  if (syn === true) return fin !== true && rst !== true && !(ack === true && urg === true);
  if (rst === true) return fin !== true && urg !== true;
  return ack === true;
}

/** Sequence number behind a segment: SYN and FIN count one each. */
function endOf(packet: Packet, segment: TcpSegment): number {
  const { flags, seq } = segment;
  return seq + payloadBytes(packet.payload) + (flags.syn === true ? 1 : 0) + (flags.fin === true ? 1 : 0);
}

/** A first segment of a connection: false when it cannot begin one (tcp_new). A stray ACK can (tcp_loose). */
function begin(entry: Connection, index: TcpIndex, { tcpLoose }: ConntrackSettings): boolean {
  const state = transitions.original[index][0] as Next;
  if (state === "INVALID" || state === "IGNORE" || (state !== "SYN_SENT" && !tcpLoose)) return false;
  entry.tcpState = "NONE";
  entry.tcp = {
    lastDirection: "original",
    lastFlags: "none",
    lastEnd: 0,
    closing: false,
    expectChallenge: false,
    simultaneousOpen: false,
    maxAck: { original: undefined, reply: undefined },
  };
  return true;
}

/** The TCP tracker, nf_conntrack_tcp_packet(). Windows are not modelled: every segment counts as inside. */
export function trackTcp(
  entry: Connection,
  direction: Direction,
  packet: Packet,
  segment: TcpSegment,
  nowNanos: number,
  settings: ConntrackSettings,
  remove: (entry: Connection) => void,
): TrackVerdict {
  const { flags } = segment;
  if (!validFlags(flags)) return "invalid";
  const index = indexOf(flags);
  if (!entry.confirmed && entry.tcp === undefined && !begin(entry, index, settings)) return "invalid";
  const tcp = entry.tcp;
  const before = entry.tcpState;
  if (tcp === undefined || before === undefined) return "invalid";
  let old: TcpState = before;
  let next = transitions[direction][index][column.get(old) as number] as Next;
  let ignored = next === "IGNORE";

  switch (next) {
    case "SYN_SENT": {
      if (old !== "TIME_WAIT" && old !== "CLOSE") break;
      // The ends have forgotten the old connection; so does the tracker, and starts afresh.
      if (tcp.closing || (tcp.lastDirection === direction && tcp.lastFlags === "rst")) {
        remove(entry);
        return "repeat";
      }
      ignored = true;
      break;
    }
    case "TIME_WAIT":
      if (
        old === "LAST_ACK" &&
        index === "ack" &&
        tcp.lastDirection !== direction &&
        tcp.lastFlags === "syn" &&
        tcp.expectChallenge
      ) {
        return "ignored";
      }
      break;
    case "SYN_SENT2":
      tcp.simultaneousOpen = true;
      break;
    case "SYN_RECV":
      if (direction === "reply" && index === "ack" && tcp.simultaneousOpen) next = "ESTABLISHED";
      break;
    case "CLOSE":
      if (index === "rst" && !settings.tcpIgnoreInvalidRst && staleReset(entry, direction, segment)) return "invalid";
      break;
    case "INVALID":
      return "invalid";
    case "NONE":
    case "ESTABLISHED":
    case "FIN_WAIT":
    case "CLOSE_WAIT":
    case "LAST_ACK":
    case "IGNORE":
      break;
  }

  if (ignored) {
    // The tracker may be out of step with the ends: the packet passes, and what answers it decides.
    if (
      index === "synack" &&
      tcp.lastFlags === "syn" &&
      tcp.lastDirection !== direction &&
      segment.ack === tcp.lastEnd
    ) {
      old = "SYN_SENT";
      next = "SYN_RECV";
    } else {
      tcp.lastFlags = index;
      tcp.lastDirection = direction;
      tcp.lastEnd = endOf(packet, segment);
      if (index === "syn" && direction === "original") tcp.expectChallenge = old === "LAST_ACK";
      return "ignored";
    }
  }

  tcp.lastFlags = index;
  tcp.lastDirection = direction;
  if (flags.ack === true) tcp.maxAck[direction] = Math.max(tcp.maxAck[direction] ?? 0, segment.ack);
  entry.tcpState = next as TcpState;
  if (old !== next && next === "FIN_WAIT") tcp.closing = true;
  return settle(entry, index, old, next as TcpState, nowNanos, settings, remove);
}

/** A reset below what the other side has acknowledged is not believed. */
function staleReset(entry: Connection, direction: Direction, { seq }: TcpSegment): boolean {
  const acknowledged = entry.tcp?.maxAck[direction === "original" ? "reply" : "original"];
  if (acknowledged === undefined) return false;
  const established = entry.tcpState === "ESTABLISHED";
  return !(seq === 0 && !established) && seq < acknowledged;
}

/** Time-out, [ASSURED], and the end of connections that were refused: the last part of nf_conntrack_tcp_packet(). */
function settle(
  entry: Connection,
  index: TcpIndex,
  old: TcpState,
  next: TcpState,
  nowNanos: number,
  { tcpNanos, tcpUnacknowledgedNanos }: ConntrackSettings,
  remove: (entry: Connection) => void,
): TrackVerdict {
  let nanos = tcpNanos[index === "rst" ? "CLOSE" : next];
  if (!entry.seenReply) {
    if (index === "rst") {
      remove(entry);
      return "accept";
    }
    // A retransmitted SYN does not prolong the wait.
    if (index === "syn" && old === "SYN_SENT") return "ignored";
    if (next === "ESTABLISHED") nanos = Math.min(nanos, tcpUnacknowledgedNanos);
  } else if (!entry.assured && (old === "SYN_RECV" || old === "ESTABLISHED") && next === "ESTABLISHED") {
    entry.assured = true;
  }
  entry.expiresAtNanos = nowNanos + nanos;
  return "accept";
}
