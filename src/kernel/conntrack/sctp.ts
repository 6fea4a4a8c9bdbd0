import type { SctpPacket } from "../../wire/packet.ts";
import type { ConntrackEntry, Direction, SctpState } from "./entry.ts";
import type { ConntrackSettings } from "./settings.ts";

type Chunk = SctpPacket["chunk"];
type Steps = { readonly [S in SctpState]?: SctpState };

const cookieEcho: Steps = { COOKIE_WAIT: "COOKIE_ECHOED" };
const cookieAck: Steps = { COOKIE_ECHOED: "ESTABLISHED" };
const shutdownAck: Steps = { SHUTDOWN_SENT: "SHUTDOWN_ACK_SENT", SHUTDOWN_RECD: "SHUTDOWN_ACK_SENT" };
const shutdownComplete: Steps = { SHUTDOWN_ACK_SENT: "CLOSED" };

/** Where a chunk leads, by the old state; it stays as it is where nothing is said. sctp_conntracks. */
const transitions: Readonly<Record<Exclude<Chunk, "abort">, Readonly<Record<Direction, Steps>>>> = {
  init: { original: { NONE: "CLOSED", SHUTDOWN_SENT: "CLOSED", SHUTDOWN_RECD: "CLOSED" }, reply: {} },
  "init-ack": { original: {}, reply: { CLOSED: "COOKIE_WAIT" } },
  "cookie-echo": { original: cookieEcho, reply: cookieEcho },
  "cookie-ack": { original: cookieAck, reply: cookieAck },
  data: { original: {}, reply: {} },
  sack: { original: {}, reply: {} },
  shutdown: { original: { ESTABLISHED: "SHUTDOWN_SENT" }, reply: { ESTABLISHED: "SHUTDOWN_RECD" } },
  "shutdown-ack": { original: { ...shutdownAck, NONE: "SHUTDOWN_ACK_SENT" }, reply: shutdownAck },
  "shutdown-complete": { original: shutdownComplete, reply: shutdownComplete },
};

/** The SCTP tracker, as far as the modelled chunks go. False: the packet fits no association and changes nothing. */
export function trackSctp(
  entry: ConntrackEntry,
  direction: Direction,
  { chunk }: SctpPacket,
  nowNanos: number,
  { sctpNanos }: ConntrackSettings,
): boolean {
  const old = entry.sctpState ?? "NONE";
  const begins = chunk === "init" || chunk === "shutdown-ack";
  // Out of nowhere only these begin an entry (sctp_new); before an INIT ACK no other chunk can carry the right tag.
  if (direction === "original" && entry.sctpTagged !== true && !begins) return false;
  if (direction === "original" && chunk === "init-ack") return false;
  const next = chunk === "abort" ? "CLOSED" : (transitions[chunk][direction][old] ?? old);
  if (direction === "reply" && chunk === "init-ack") entry.sctpTagged = true;
  if (old === "COOKIE_ECHOED" && next === "ESTABLISHED") entry.assured = true;
  entry.sctpState = next;
  entry.expiresAtNanos = nowNanos + sctpNanos[next];
  return true;
}
