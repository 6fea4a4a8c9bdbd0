import type { Packet } from "../../wire/packet.ts";
import { nanosPerSecond } from "../clock.ts";
import type { Connection } from "./connection.ts";
import type { Direction } from "./entry.ts";
import type { ConntrackSettings } from "./settings.ts";
import { trackSctp } from "./sctp.ts";
import { type TrackVerdict, trackTcp } from "./tcp.ts";

const udpStreamAfterNanos = 2 * nanosPerSecond;

/** Lets the protocol's tracker see a packet of a connection: nf_conntrack_handle_packet(). */
export function trackProtocol(
  entry: Connection,
  direction: Direction,
  packet: Packet,
  nowNanos: number,
  settings: ConntrackSettings,
  remove: (entry: Connection) => void,
): TrackVerdict {
  const { transport } = packet;
  switch (transport.protocol) {
    case "tcp":
      return trackTcp(entry, direction, packet, transport, nowNanos, settings, remove);
    case "udp":
      trackUdp(entry, nowNanos, settings);
      return "accept";
    case "sctp":
      return trackSctp(entry, direction, transport, nowNanos, settings) ? "accept" : "invalid";
    case "icmp":
    case "icmpv6":
      // An answer to nothing begins no connection.
      if (!entry.confirmed && transport.kind !== "echo-request") return "invalid";
      entry.expiresAtNanos = nowNanos + (transport.protocol === "icmp" ? settings.icmpNanos : settings.icmpv6Nanos);
      return "accept";
    case "other":
      if (transport.number === greNumber) trackGre(entry, nowNanos, settings);
      else entry.expiresAtNanos = nowNanos + settings.genericNanos;
      return "accept";
  }
}

/** IANA protocol number of GRE. */
export const greNumber = 47;

/** nf_conntrack_gre_packet(): two-way traffic is [ASSURED] at once. */
function trackGre(entry: Connection, nowNanos: number, { greNanos, greStreamNanos }: ConntrackSettings): void {
  entry.expiresAtNanos = nowNanos + (entry.seenReply ? greStreamNanos : greNanos);
  if (entry.seenReply) entry.assured = true;
}

/** nf_conntrack_udp_packet(): two-way traffic that lasts over two seconds is a stream, and [ASSURED]. */
function trackUdp(entry: Connection, nowNanos: number, { udpNanos, udpStreamNanos }: ConntrackSettings): void {
  if (!entry.confirmed) entry.streamAtNanos = nowNanos + udpStreamAfterNanos;
  if (!entry.seenReply) {
    entry.expiresAtNanos = nowNanos + udpNanos;
    return;
  }
  const stream = nowNanos > entry.streamAtNanos;
  if (!entry.clash) entry.expiresAtNanos = nowNanos + (stream ? udpStreamNanos : udpNanos);
  if (stream && !entry.clash) entry.assured = true;
}
