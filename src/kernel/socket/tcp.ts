import { formatAddress, isMulticast, unspecified } from "../../wire/address.ts";
import type { IcmpError, Packet, TcpSegment } from "../../wire/packet.ts";
import type { NetworkNamespace } from "../namespace.ts";
import type { Skb } from "../skb.ts";
import type { Endpoint, FoundSocket, Listener, SocketError, SocketOptions, TcpConnection, TcpHandlers } from "./api.ts";
import { type IcmpMeaning, isTooBig } from "./errors.ts";
import { chooseSource, destinationOf, endsKey, ephemeralPort, isError, lacksZone } from "./local-end.ts";
import { recordArrival, recordCall, recordNoSocket } from "./record.ts";
import { TcpSocket } from "./tcp-connection.ts";
import { answerWithReset } from "./tcp-segment.ts";

/** The TCP connections of a namespace. */
export class TcpSockets {
  readonly #ns: NetworkNamespace;
  readonly #connections = new Map<string, TcpSocket>();
  /** Accepted by a transparent listener. */
  readonly #transparent = new WeakSet<TcpSocket>();

  constructor(ns: NetworkNamespace) {
    this.#ns = ns;
  }

  connect(target: Endpoint, handlers: TcpHandlers, options: SocketOptions): TcpConnection {
    const remote = destinationOf(target, options);
    const chosen =
      lacksZone(remote.address) && !isMulticast(remote.address)
        ? ({ errno: "EINVAL" } as const)
        : chooseSource(this.#ns, remote.address, { ...options, connects: true });
    const family = typeof remote.address === "number" ? "ipv4" : "ipv6";
    const address = isError(chosen) ? unspecified[family] : chosen;
    const taken = (port: number): boolean => this.#connections.has(endsKey({ address, port }, remote));
    const port = options.sourcePort ?? ephemeralPort(this.#ns, "tcp", options.flowKey, taken);
    const local = { address, port: port ?? 0 };
    const socket = this.#make(local, remote, options, "original");
    socket.handlers = handlers;
    const error: SocketError | undefined = isError(chosen)
      ? chosen
      : port === undefined
        ? { errno: "EADDRNOTAVAIL" }
        : this.#inUse(local, remote)
          ? { errno: "EADDRINUSE" }
          : undefined;
    if (error !== undefined) this.#refuseCall(socket, remote, handlers, options, error);
    else {
      this.#connections.set(endsKey(local, remote), socket);
      socket.connect();
    }
    return socket;
  }

  /** A connection in TIME_WAIT may be replaced by a new one of the same ports (tcp_tw_reuse by timestamps). */
  #inUse(local: Endpoint, remote: Endpoint): boolean {
    const other = this.#connections.get(endsKey(local, remote));
    return other !== undefined && other.state !== "TIME_WAIT";
  }

  #refuseCall(
    socket: TcpSocket,
    remote: Endpoint,
    handlers: TcpHandlers,
    options: SocketOptions,
    error: SocketError,
  ): void {
    const { flow, process } = options;
    recordCall(this.#ns, flow, "error", { protocol: "tcp", remote, state: error.errno, process });
    this.#ns.surroundings.clock.after(0, () => handlers.failed?.(socket, error));
  }

  #make(local: Endpoint, remote: Endpoint, options: SocketOptions, side: "original" | "reply"): TcpSocket {
    const key = endsKey(local, remote);
    const socket: TcpSocket = new TcpSocket({
      ns: this.#ns,
      local,
      remote,
      options,
      side,
      forget: () => {
        if (this.#connections.get(key) === socket) this.#connections.delete(key);
      },
    });
    return socket;
  }

  /** A segment for this namespace: its connection, else the listener for a SYN, else a reset. tcp_v4_rcv(). */
  receive(skb: Skb, segment: TcpSegment, listener: Listener | undefined): void {
    const { packet, track } = skb;
    if (segment.badChecksum === true) return recordNoSocket(skb, "TCP_CHECKSUM");
    const local: Endpoint = { address: packet.dst, port: segment.dstPort };
    const remote: Endpoint = { address: packet.src, port: segment.srcPort };
    const connection = this.#connections.get(endsKey(local, remote));
    const { flags } = segment;
    const toGroup = skb.route?.kind === "broadcast" || skb.route?.kind === "multicast";
    const opens = flags.syn === true && flags.ack !== true && flags.rst !== true;
    if (connection !== undefined && !(opens && connection.state === "TIME_WAIT"))
      return connection.receive(skb, segment);
    if (listener !== undefined && opens && flags.fin !== true && !toGroup)
      return this.#accept(skb, segment, listener, local, remote);
    if (flags.rst === true) return recordNoSocket(skb, "TCP_RESET_UNASKED");
    // A group is never answered (tcp_v4_send_reset).
    if (toGroup) return recordNoSocket(skb, "NO_SOCKET");
    const port = `TCP port ${local.port} of ${formatAddress(local.address)}`;
    recordNoSocket(
      skb,
      "NO_SOCKET",
      listener === undefined ? `Nothing listens on ${port}.` : `The segment belongs to no connection of ${port}.`,
    );
    // A listening socket discards what neither opens nor acknowledges (tcp_rcv_state_process).
    if (listener !== undefined && flags.ack !== true) return;
    answerWithReset(this.#ns, skb, segment);
    if (track !== undefined && opens) {
      recordArrival(skb, "refuse", {
        protocol: "tcp",
        local,
        remote,
      });
    }
  }

  #accept(skb: Skb, segment: TcpSegment, listener: Listener, local: Endpoint, remote: Endpoint): void {
    const { process, assumption } = listener;
    if (skb.track) {
      recordArrival(skb, "listen", { protocol: "tcp", local, remote, state: "SYN_RECV", process, assumption });
      skb.track.verdict("delivered");
    }
    const socket = this.#make(local, remote, { flowKey: `${skb.flowKey}/answer`, process }, "reply");
    this.#connections.set(endsKey(local, remote), socket);
    if (listener.transparent === true) this.#transparent.add(socket);
    socket.answerSyn(skb, segment, () => {
      socket.handlers = listener.accept?.(socket) ?? {};
    });
  }

  find(local: Endpoint, remote: Endpoint): FoundSocket | undefined {
    const socket = this.#connections.get(endsKey(local, remote));
    return socket && { connected: true, isWildcard: false, transparent: this.#transparent.has(socket) };
  }

  takesRedirect({ src, dst }: Packet, { srcPort, dstPort }: TcpSegment): boolean {
    const key = endsKey({ address: src, port: srcPort }, { address: dst, port: dstPort });
    return this.#connections.get(key)?.isCalling() === false;
  }

  /** An ICMP error about a segment from here. */
  receiveError(quoted: Packet, segment: TcpSegment, icmp: IcmpError, meaning: IcmpMeaning): void {
    const connection = this.#connections.get(
      endsKey({ address: quoted.src, port: segment.srcPort }, { address: quoted.dst, port: segment.dstPort }),
    );
    if (connection === undefined) return;
    if (isTooBig(icmp)) connection.pathMtuReduced();
    else connection.icmpError(meaning.error, segment.seq, endsRequests(icmp, meaning));
  }
}

/** Whether an ICMP error ends a connection that only its SYN has asked for: tcp_v4_err(), tcp_v6_err(). */
function endsRequests({ protocol, type, code }: IcmpError, { fatal }: IcmpMeaning): boolean {
  return protocol === "icmpv6" ? fatal : type === 11 || type === 12 || (type === 3 && code <= 1);
}
