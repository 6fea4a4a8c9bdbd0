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

/** What a connection is made of. */
export interface TcpSetup extends TcpEnds {
  /** The connection is over: its addresses and ports are free. */
  forget(): void;
}
