import type { Address } from "../../wire/address.ts";
import type { ConntrackZone } from "./zone.ts";

/** One direction of a connection (struct nf_conntrack_tuple). For ICMP echo, both ports hold the identifier. */
export interface Tuple {
  readonly protocol: "tcp" | "udp" | "sctp" | "icmp" | "icmpv6" | "other";
  /** IANA number where `protocol` is `other`. */
  readonly number?: number | undefined;
  readonly src: Address;
  readonly dst: Address;
  readonly srcPort: number;
  readonly dstPort: number;
  /** ICMP type of an echo: request one way, reply the other. */
  readonly icmpType?: number | undefined;
}

export type Direction = "original" | "reply";

/** Which ends of a connection are settled, and which of them are translated. */
export interface NatStatus {
  readonly dstDone: boolean;
  readonly srcDone: boolean;
  readonly dst: boolean;
  readonly src: boolean;
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

export type SctpState =
  | "NONE"
  | "CLOSED"
  | "COOKIE_WAIT"
  | "COOKIE_ECHOED"
  | "ESTABLISHED"
  | "SHUTDOWN_SENT"
  | "SHUTDOWN_RECD"
  | "SHUTDOWN_ACK_SENT";

/** A tracked connection (struct nf_conn): a view of its row in the table, see connection.ts. */
export interface ConntrackEntry {
  readonly id: number;
  /** Where `-j CT` said so: the zones of both directions; 0 otherwise. */
  readonly zone: ConntrackZone;
  readonly original: Tuple;
  /** The tuple its replies will have; NAT changes it until the entry is confirmed. */
  reply: Tuple;
  readonly confirmed: boolean;
  /** A reply was seen: no longer [UNREPLIED]. */
  seenReply: boolean;
  assured: boolean;
  /** It left the table; packets that hold it are still translated by it. */
  readonly dead: boolean;
  /** It lost a race for its original tuple, so only replies find it, for a second (IPS_NAT_CLASH). */
  clash: boolean;
  expiresAtNanos: number;
  tcpState: TcpState | undefined;
  sctpState: SctpState | undefined;
  /** An INIT ACK came: the originator knows the tag that its packets must carry. */
  sctpTagged: boolean;
  mark: number;
  /** Settled ends are not asked about in the nat table again. */
  readonly nat: NatStatus;
  /** What the TCP tracker remembers; owned by conntrack/tcp.ts. */
  tcp: TcpTracking | undefined;
  /** UDP: from when on traffic both ways counts as a stream. */
  streamAtNanos: number;
  /** What went each way; undefined where nf_conntrack_acct was off when the connection began. */
  readonly accounting: Accounting | undefined;
}

/** Packets and bytes of a connection (struct nf_conn_acct). */
export type Accounting = Readonly<Record<Direction, { packets: number; bytes: number }>>;

/** What nf_conntrack_proto_tcp keeps per connection beyond the state. */
export interface TcpTracking {
  lastDirection: Direction;
  lastFlags: TcpIndex;
  /** Sequence number behind the last segment that was let through unjudged. */
  lastEnd: number;
  /** An end that has begun to close (IP_CT_TCP_FLAG_CLOSE_INIT). */
  closing: boolean;
  /** A SYN was let through in LAST_ACK: the ACK that answers it may be a challenge (RFC 5961). */
  expectChallenge: boolean;
  simultaneousOpen: boolean;
  /** Highest acknowledgement number seen from either side; undefined before the first. */
  maxAck: Record<Direction, number | undefined>;
}

/** What of a segment's flags decides: RST before SYN before FIN before ACK. */
export type TcpIndex = "syn" | "synack" | "fin" | "ack" | "rst" | "none";
