import { nanosPerMilli, nanosPerSecond } from "../clock.ts";
import type { TcpEnds } from "./tcp-transmitter.ts";

/** RFC 9293, 3.3.2, under Linux's names. */
export type TcpSocketState =
  | "SYN_SENT"
  | "SYN_RECV"
  | "ESTABLISHED"
  | "FIN_WAIT1"
  | "FIN_WAIT2"
  | "CLOSE_WAIT"
  | "CLOSING"
  | "LAST_ACK"
  | "TIME_WAIT"
  | "CLOSED";

/** tcp_orphan_retries: a connection that its process has closed is given up after the time of so many retransmissions. */
export const orphanRetries: number = 8;
/**
 * An answer that comes sooner has crossed no cable: it is processed on the way of the SYN itself, inside connect(2),
 * which still holds the socket.
 */
export const connectCallNanos: number = 0.19 * nanosPerMilli;
/** TCP_TIMEWAIT_LEN, tcp_fin_timeout. */
export const lingerNanos: number = 60 * nanosPerSecond;
export const windowBytes: number = 65_535;
/** What RFC 9293 assumes of a peer that announces no MSS. */
export const defaultMss: number = 536;

/** What a connection is made of. */
export interface TcpSetup extends TcpEnds {
  /** The connection is over: its addresses and ports are free. */
  forget(): void;
}
