import type { SctpPacket } from "../../wire/packet.ts";
import { nanosPerSecond } from "../clock.ts";
import type { ConntrackEntry, Direction, SctpState } from "./entry.ts";

/** Seconds: sctp_timeouts, nf_conntrack_proto_sctp.c. */
const timeoutSeconds: Readonly<Record<SctpState, number>> = {
  NONE: 0,
  CLOSED: 10,
  COOKIE_WAIT: 3,
  COOKIE_ECHOED: 3,
  ESTABLISHED: 210,
  SHUTDOWN_SENT: 3,
  SHUTDOWN_RECD: 3,
};

/** The SCTP tracker, as far as the modelled chunks go. False: the packet fits no association. */
export function trackSctp(
  entry: ConntrackEntry,
  direction: Direction,
  { chunk }: SctpPacket,
  nowNanos: number,
): boolean {
  const old = entry.sctpState ?? "NONE";
  // Only an INIT begins an association; anything else out of nowhere is INVALID (sctp_new).
  if (old === "NONE" && chunk !== "init") return false;
  const next = nextState(old, chunk, direction);
  if (next === undefined) return false;
  entry.sctpState = next;
  if (entry.seenReply && direction === "reply" && old === "COOKIE_ECHOED" && next === "ESTABLISHED")
    entry.assured = true;
  entry.expiresAtNanos = nowNanos + timeoutSeconds[next] * nanosPerSecond;
  return true;
}

function nextState(old: SctpState, chunk: SctpPacket["chunk"], direction: Direction): SctpState | undefined {
  switch (chunk) {
    case "init":
      return direction === "original" && (old === "NONE" || old === "CLOSED") ? "COOKIE_WAIT" : old;
    case "init-ack":
      return direction === "reply" ? old : undefined;
    case "cookie-echo":
      if (old === "CLOSED") return undefined;
      return direction === "original" && old === "COOKIE_WAIT" ? "COOKIE_ECHOED" : old;
    case "cookie-ack":
      return direction === "reply" && old === "COOKIE_ECHOED" ? "ESTABLISHED" : old;
    case "data":
    case "sack":
      return old;
    case "shutdown":
      if (old !== "ESTABLISHED") return old;
      return direction === "original" ? "SHUTDOWN_SENT" : "SHUTDOWN_RECD";
    case "abort":
      return "CLOSED";
  }
}
