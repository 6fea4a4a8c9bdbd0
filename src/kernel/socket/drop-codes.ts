import type { DropCode } from "../drop-codes.ts";

export type SocketDropCode =
  | "NO_SOCKET"
  | "NO_PROTOCOL"
  | "TCP_CHECKSUM"
  | "TCP_RESET_UNASKED"
  | "TCP_OUT_OF_PLACE"
  | "ECHO_UNASKED"
  | "SCTP_OUT_OF_PLACE";

/** Why a packet that reached its namespace reached no process. */
export const socketDropCodes: Readonly<Record<SocketDropCode, DropCode>> = {
  NO_SOCKET: { meaning: "Nothing listens on the port.", kernelReason: "NO_SOCKET" },
  NO_PROTOCOL: { meaning: "Nothing here speaks the protocol.", kernelReason: "IP_NOPROTO" },
  TCP_CHECKSUM: { meaning: "The TCP checksum is wrong.", kernelReason: "TCP_CSUM" },
  TCP_RESET_UNASKED: { meaning: "A reset for a connection that is not there." },
  TCP_OUT_OF_PLACE: {
    meaning: "The segment does not fit the state of its connection.",
    kernelReason: "TCP_INVALID_SEQUENCE",
  },
  ECHO_UNASKED: { meaning: "An echo reply that nobody waits for." },
  SCTP_OUT_OF_PLACE: { meaning: "The chunk does not fit the state of its association." },
};
