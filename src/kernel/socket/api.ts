import type { FlowRecorder } from "../../trace/recorder.ts";
import type { Address } from "../../wire/address.ts";
import type { Packet, Payload } from "../../wire/packet.ts";
import type { Skb } from "../skb.ts";

/** The errno names an application can see from the modelled stack. */
export type Errno =
  | "ECONNREFUSED"
  | "ECONNRESET"
  | "ETIMEDOUT"
  | "EHOSTUNREACH"
  | "ENETUNREACH"
  | "EACCES"
  | "EPERM"
  | "EMSGSIZE"
  | "EADDRINUSE"
  | "EADDRNOTAVAIL"
  | "EPROTO"
  | "ENOPROTOOPT"
  | "EHOSTDOWN"
  | "ENONET"
  | "EOPNOTSUPP"
  | "EINVAL";

export interface SocketError {
  readonly errno: Errno;
  /** The ICMP error behind it. */
  readonly icmp?: { readonly type: number; readonly code: number; readonly from: Address; readonly mtu?: number };
}

export interface Endpoint {
  readonly address: Address;
  readonly port: number;
}

/** How IP_MTU_DISCOVER is set; `want` is Linux's default. ip(7). */
export type PmtuDiscovery = "want" | "do" | "dont" | "probe";

export interface SocketOptions {
  readonly source?: Address;
  readonly sourcePort?: number;
  readonly ttl?: number;
  readonly mark?: number;
  readonly pmtuDiscovery?: PmtuDiscovery;
  readonly uid?: number;
  /** The conversation in choice ids. */
  readonly flowKey: string;
  /** Undefined when nothing is recorded. */
  readonly flow?: FlowRecorder;
  /** The process, for the trace: `curl`. */
  readonly process?: string;
}

/** Callbacks of a TCP connection or an SCTP association; each runs inside an event of the queue. */
export interface TcpHandlers {
  connected?(connection: TcpConnection): void;
  /** A whole message arrived (segments are put together again up to a push). */
  received?(connection: TcpConnection, payload: Payload): void;
  /** The peer closed its side. */
  ended?(connection: TcpConnection): void;
  failed?(connection: TcpConnection, error: SocketError): void;
}

export interface TcpConnection {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly flow?: FlowRecorder | undefined;
  send(payload: Payload): void;
  close(): void;
  abort(): void;
}

export interface UdpHandlers {
  received?(socket: UdpSocket, from: Endpoint, payload: Payload): void;
  failed?(socket: UdpSocket, error: SocketError): void;
}

export interface UdpSocket {
  readonly local: Endpoint;
  /** The conversation that a server's socket answers in; undefined when nothing is recorded. */
  readonly flow?: FlowRecorder;
  /** Sends to the connected peer, or to `to`. The error a send call itself returns, undefined when it went out. */
  send(payload: Payload, to?: Endpoint): SocketError | undefined;
  close(): void;
}

export interface EchoHandlers {
  replied?(from: Address, ttl: number, sequence: number): void;
  failed?(error: SocketError): void;
}

/** A server process bound to a port. */
export interface Listener {
  readonly protocol: "tcp" | "udp" | "sctp";
  readonly port: number;
  /** Bound address; absent: any of the namespace's. */
  readonly address?: Address;
  readonly process: string;
  /** IP_TRANSPARENT: it takes what is addressed to others, when TPROXY hands it over. Absent: not known. */
  readonly transparent?: boolean | undefined;
  /** The assumption that says so, where nobody stated that it listens. */
  readonly assumption?: string;
  /** Called per accepted connection; what it returns handles it. */
  accept?(connection: TcpConnection): TcpHandlers;
  datagram?: UdpHandlers["received"];
}

/** A socket as rules look at it. */
export interface FoundSocket {
  /** Absent: a listener, or a UDP socket that is not connected. */
  readonly connected?: true;
  /** Absent: not known. */
  readonly transparent?: boolean;
  /** Bound to no address. */
  readonly isWildcard: boolean;
  readonly listener?: Listener;
}

/** The sockets of one namespace. */
export interface Sockets {
  readonly listeners: readonly Listener[];
  listen(listener: Listener): void;
  unlisten(protocol: Listener["protocol"], port: number): void;
  /** connect(2). Errors known at once (no route) still come by `failed`, in an event of their own. */
  connectTcp(remote: Endpoint, handlers: TcpHandlers, options: SocketOptions): TcpConnection;
  /** An SCTP association; its errors come by `failed`, too. */
  connectSctp(remote: Endpoint, handlers: TcpHandlers, options: SocketOptions): TcpConnection;
  /** A connected UDP socket where `remote` is given: only then ICMP errors reach it. */
  openUdp(remote: Endpoint | undefined, handlers: UdpHandlers, options: SocketOptions): UdpSocket;
  /** One ICMP echo request, as ping sends it. */
  echo(
    remote: Address,
    handlers: EchoHandlers,
    options: SocketOptions & {
      readonly ident: number;
      readonly sequence: number;
      readonly dataBytes: number;
      /** Another socket was connected there first, as ping(8) does it. */
      readonly connects?: boolean;
    },
  ): SocketError | undefined;
  /** For the packet path: a packet that got through INPUT. */
  receive(skb: Skb): void;
  /** For rules: the socket that what comes from `remote` to `local` is for. inet_lookup(), udp4_lib_lookup(). */
  find(protocol: "tcp" | "udp", local: Endpoint, remote: Endpoint): FoundSocket | undefined;
  /** For the packet path: whether the socket that sent this packet would take a redirect of it now. */
  takesRedirect(sent: Packet): boolean;
  /** For the packet path: an ICMP error (the packet that carries it) arrived; whom it concerns is told. */
  receiveError(packet: Packet): void;
}
