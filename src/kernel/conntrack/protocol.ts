import type { Packet } from "../../wire/packet.ts";
import { nanosPerSecond } from "../clock.ts";
import type { Connection } from "./connection.ts";
import type { Direction } from "./entry.ts";
import { trackSctp } from "./sctp.ts";
import { type TrackVerdict, trackTcp } from "./tcp.ts";

const udpUnrepliedNanos = 30 * nanosPerSecond;
const udpStreamNanos = 120 * nanosPerSecond;
const udpStreamAfterNanos = 2 * nanosPerSecond;
const icmpNanos = 30 * nanosPerSecond;
const genericNanos = 600 * nanosPerSecond;

/** Lets the protocol's tracker see a packet of a connection: nf_conntrack_handle_packet(). */
export function trackProtocol(
  entry: Connection,
  direction: Direction,
  packet: Packet,
  nowNanos: number,
  remove: (entry: Connection) => void,
): TrackVerdict {
  const { transport } = packet;
  switch (transport.protocol) {
    case "tcp":
      return trackTcp(entry, direction, packet, transport, nowNanos, remove);
    case "udp":
      trackUdp(entry, nowNanos);
      return "accept";
    case "sctp":
      return trackSctp(entry, direction, transport, nowNanos) ? "accept" : "invalid";
    case "icmp":
    case "icmpv6":
      // An answer to nothing begins no connection.
      if (!entry.confirmed && transport.kind !== "echo-request") return "invalid";
      entry.expiresAtNanos = nowNanos + icmpNanos;
      return "accept";
    case "other":
      entry.expiresAtNanos = nowNanos + genericNanos;
      return "accept";
  }
}

/** nf_conntrack_udp_packet(): 30 s; 120 s and [ASSURED] for two-way traffic that lasts over two seconds. */
function trackUdp(entry: Connection, nowNanos: number): void {
  if (!entry.confirmed) entry.streamAtNanos = nowNanos + udpStreamAfterNanos;
  if (!entry.seenReply) {
    entry.expiresAtNanos = nowNanos + udpUnrepliedNanos;
    return;
  }
  const stream = nowNanos > entry.streamAtNanos;
  if (!entry.clash) entry.expiresAtNanos = nowNanos + (stream ? udpStreamNanos : udpUnrepliedNanos);
  if (stream && !entry.clash) entry.assured = true;
}
