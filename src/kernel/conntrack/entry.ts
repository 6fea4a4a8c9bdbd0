import type { Address } from "../../wire/address.ts";

/** One direction of a connection (struct nf_conntrack_tuple). For ICMP echo, both ports hold the identifier. */
export interface Tuple {
  readonly protocol: "tcp" | "udp" | "sctp" | "icmp" | "icmpv6" | "other";
  /** IANA number where `protocol` is `other`. */
  readonly number?: number;
  readonly src: Address;
  readonly dst: Address;
  readonly srcPort: number;
  readonly dstPort: number;
  /** ICMP type of an echo: request one way, reply the other. */
  readonly icmpType?: number;
}

export type TcpState =
  | "NONE"
  | "SYN_SENT"
  | "SYN_RECV"
  | "ESTABLISHED"
  | "FIN_WAIT"
  | "CLOSE_WAIT"
  | "LAST_ACK"
  | "TIME_WAIT"
  | "CLOSE"
  | "SYN_SENT2";

/** A tracked connection (struct nf_conn). */
export interface ConntrackEntry {
  readonly id: number;
  readonly zone: number;
  readonly original: Tuple;
  /** The tuple its replies will have; NAT changes it until the entry is confirmed. */
  reply: Tuple;
  confirmed: boolean;
  /** A reply was seen: no longer [UNREPLIED]. */
  seenReply: boolean;
  assured: boolean;
  expiresAtNanos: number;
  tcpState?: TcpState;
  mark: number;
  /** Which manipulations are settled; only then the nat table is not asked again. */
  readonly nat: { dstDone: boolean; srcDone: boolean; dst: boolean; src: boolean };
  /** The entry this one is related to: an ICMP error's connection. */
  readonly master?: ConntrackEntry;
  /** Ports an entry remembers for the TCP tracker; owned by conntrack/tcp.ts. */
  tcp?: TcpTracking;
}

/** What nf_conntrack_proto_tcp keeps per connection beyond the state. */
export interface TcpTracking {
  lastDirection: "original" | "reply";
  lastFlags: string;
  finSeen: { original: boolean; reply: boolean };
}

export function invert(tuple: Tuple): Tuple {
  const icmpType = invertIcmpType(tuple);
  return {
    ...tuple,
    src: tuple.dst,
    srcPort: tuple.dstPort,
    dst: tuple.src,
    dstPort: tuple.srcPort,
    ...(icmpType !== undefined && { icmpType }),
  };
}

function invertIcmpType(tuple: Tuple): number | undefined {
  switch (tuple.icmpType) {
    case 8:
      return 0;
    case 0:
      return 8;
    case 128:
      return 129;
    case 129:
      return 128;
    default:
      return tuple.icmpType;
  }
}
