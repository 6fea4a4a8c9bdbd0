import { nanosPerSecond } from "../clock.ts";
import type { Sysctls } from "../namespace.ts";
import type { SctpState, TcpState } from "./entry.ts";

/** The sysctls of connection tracking as the trackers use them. Documentation/networking/nf_conntrack-sysctl.rst. */
export interface ConntrackSettings {
  /** Most connections; 0: no limit. */
  readonly max: number;
  /** Lists of the kernel's hash table. */
  readonly buckets: number;
  /** Packets and bytes of new connections are counted. */
  readonly accounting: boolean;
  /** Packets with a wrong checksum are INVALID where they come in. */
  readonly checksum: boolean;
  /** A connection may be picked up in its middle. */
  readonly tcpLoose: boolean;
  readonly tcpIgnoreInvalidRst: boolean;
  readonly tcpNanos: Readonly<Record<TcpState, number>>;
  /** Data that nobody acknowledged, and connections picked up in the middle. */
  readonly tcpUnacknowledgedNanos: number;
  readonly sctpNanos: Readonly<Record<SctpState, number>>;
  readonly udpNanos: number;
  readonly udpStreamNanos: number;
  readonly icmpNanos: number;
  readonly icmpv6Nanos: number;
  readonly genericNanos: number;
  readonly greNanos: number;
  readonly greStreamNanos: number;
}

function read(sysctls: Sysctls): ConntrackSettings {
  const value = (key: string): number => sysctls.get(`net.netfilter.nf_conntrack_${key}`);
  const nanos = (key: string): number => value(key) * nanosPerSecond;
  const tcp = (key: string): number => nanos(`tcp_timeout_${key}`);
  const sctp = (key: string): number => nanos(`sctp_timeout_${key}`);
  return {
    max: value("max"),
    buckets: value("buckets"),
    accounting: value("acct") !== 0,
    checksum: value("checksum") !== 0,
    tcpLoose: value("tcp_loose") !== 0,
    tcpIgnoreInvalidRst: value("tcp_ignore_invalid_rst") !== 0,
    tcpNanos: {
      NONE: 0,
      SYN_SENT: tcp("syn_sent"),
      SYN_RECV: tcp("syn_recv"),
      ESTABLISHED: tcp("established"),
      FIN_WAIT: tcp("fin_wait"),
      CLOSE_WAIT: tcp("close_wait"),
      LAST_ACK: tcp("last_ack"),
      TIME_WAIT: tcp("time_wait"),
      CLOSE: tcp("close"),
      SYN_SENT2: tcp("syn_sent"),
    },
    tcpUnacknowledgedNanos: tcp("unacknowledged"),
    sctpNanos: {
      NONE: 0,
      CLOSED: sctp("closed"),
      COOKIE_WAIT: sctp("cookie_wait"),
      COOKIE_ECHOED: sctp("cookie_echoed"),
      ESTABLISHED: sctp("established"),
      SHUTDOWN_SENT: sctp("shutdown_sent"),
      SHUTDOWN_RECD: sctp("shutdown_recd"),
      SHUTDOWN_ACK_SENT: sctp("shutdown_ack_sent"),
    },
    udpNanos: nanos("udp_timeout"),
    udpStreamNanos: nanos("udp_timeout_stream"),
    icmpNanos: nanos("icmp_timeout"),
    icmpv6Nanos: nanos("icmpv6_timeout"),
    genericNanos: nanos("generic_timeout"),
    greNanos: nanos("gre_timeout"),
    greStreamNanos: nanos("gre_timeout_stream"),
  };
}

/** The settings in force, read again only after a sysctl was written. */
export function conntrackSettings(sysctls: Sysctls): () => ConntrackSettings {
  let settings = read(sysctls);
  let version = sysctls.version();
  return () => {
    if (version !== sysctls.version()) {
      settings = read(sysctls);
      version = sysctls.version();
    }
    return settings;
  };
}
