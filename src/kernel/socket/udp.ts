import type { PacketRecorder } from "../../trace/recorder.ts";
import { type Address, formatAddress, unspecified } from "../../wire/address.ts";
import { type Packet, type Payload, payloadBytes } from "../../wire/packet.ts";
import { sendIcmpError } from "../icmp.ts";
import { sendPacket } from "../ip/output.ts";
import { nextIdentification } from "../ip/state.ts";
import type { NetworkNamespace } from "../namespace.ts";
import type { Skb } from "../skb.ts";
import type { Endpoint, FoundSocket, Listener, SocketError, SocketOptions, UdpHandlers, UdpSocket } from "./api.ts";
import { type IcmpMeaning } from "./errors.ts";
import { chooseSource, destinationOf, ephemeralPort, isError, lacksZone, ttlTowards } from "./local-end.ts";
import { keyOf, recordArrival, recordCall, recordNoSocket } from "./record.ts";

interface BoundSocket extends UdpSocket {
  readonly remote: Endpoint | undefined;
  readonly handlers: UdpHandlers;
  readonly options: SocketOptions;
  readonly bound: Address | undefined;
}

interface Ports {
  readonly srcPort: number;
  readonly dstPort: number;
}

/** The UDP sockets of a namespace. */
export class UdpSockets {
  readonly #ns: NetworkNamespace;
  readonly #ports = new Map<number, BoundSocket[]>();

  constructor(ns: NetworkNamespace) {
    this.#ns = ns;
  }

  open(connectTo: Endpoint | undefined, handlers: UdpHandlers, options: SocketOptions): UdpSocket {
    const ns = this.#ns;
    const remote = connectTo && destinationOf(connectTo, options);
    const chosen =
      remote === undefined
        ? (options.source ?? unspecified.ipv4)
        : lacksZone(remote.address)
          ? ({ errno: "EINVAL" } as const)
          : chooseSource(ns, remote.address, options);
    const failure = isError(chosen) ? chosen : undefined;
    const taken = (port: number): boolean => this.#ports.has(port);
    const port = options.sourcePort ?? ephemeralPort(ns, "udp", options.flowKey, taken);
    const address = isError(chosen) ? unspecified[typeof remote?.address === "bigint" ? "ipv6" : "ipv4"] : chosen;
    const local = { address, port: port ?? 0 };
    let sent = 0;
    const payloads: Payload[] = [];
    // The same payload again is the application's retransmission.
    const attemptOf = (payload: Payload): number => {
      payloads.push(payload);
      return payloads.filter((other) => other === payload).length;
    };
    const socket: BoundSocket = {
      local,
      remote,
      handlers,
      options,
      bound: remote === undefined ? options.source : address,
      send: (payload, to) => {
        const target = remote ?? (to && destinationOf(to, options));
        if (port === undefined) return { errno: "EADDRINUSE" };
        if (target === undefined) return { errno: "EINVAL" };
        if (failure !== undefined) return this.#failed(socket, failure, target);
        sent++;
        const track = options.flow?.packet("original", attemptOf(payload));
        const error = this.#send(local, target, payload, options, keyOf(options.flowKey, sent), track);
        return error === undefined ? undefined : this.#failed(socket, error, target);
      },
      close: () => this.#close(socket),
    };
    const sockets = this.#ports.get(local.port);
    if (sockets === undefined) this.#ports.set(local.port, [socket]);
    else sockets.push(socket);
    return socket;
  }

  #failed({ local, options }: BoundSocket, error: SocketError, remote: Endpoint): SocketError {
    const { flow, process } = options;
    recordCall(this.#ns, flow, "error", { protocol: "udp", local, remote, state: error.errno, process });
    return error;
  }

  #close(socket: BoundSocket): void {
    const sockets = this.#ports.get(socket.local.port);
    const at = sockets?.indexOf(socket) ?? -1;
    if (at >= 0) sockets?.splice(at, 1);
    if (sockets?.length === 0) this.#ports.delete(socket.local.port);
  }

  #send(
    local: Endpoint,
    remote: Endpoint,
    payload: Payload,
    options: SocketOptions,
    flowKey: string,
    track: PacketRecorder | undefined,
  ): SocketError | undefined {
    const ns = this.#ns;
    const anyAddress = local.address === unspecified.ipv4 || local.address === unspecified.ipv6;
    const src = anyAddress
      ? chooseSource(ns, remote.address, { ...(options.mark !== undefined && { mark: options.mark }) })
      : local.address;
    if (isError(src)) return src;
    if (payloadBytes(payload) > 65_507) return { errno: "EMSGSIZE" };
    const packet: Packet = {
      kind: "ip",
      src,
      dst: remote.address,
      ttl: ttlTowards(ns, remote.address, options),
      dontFragment: true,
      id: nextIdentification(ns.ip),
      transport: { protocol: "udp", srcPort: local.port, dstPort: remote.port },
      payload,
    };
    const { mark, uid } = options;
    return sendPacket(ns, packet, {
      flowKey,
      track,
      pmtuDiscovery: options.pmtuDiscovery ?? "want",
      isUnbound: anyAddress || (typeof src === "bigint" && options.source === undefined),
      socket: { uid: uid ?? 0, gid: uid ?? 0 },
      ...(mark !== undefined && { mark }),
    });
  }

  find(local: Endpoint, remote: Endpoint): FoundSocket | undefined {
    const socket = this.#find(local, remote);
    if (socket === undefined) return undefined;
    const connected = socket.remote !== undefined;
    return { isWildcard: socket.bound === undefined, transparent: false, ...(connected && { connected }) };
  }

  /** A datagram arrived: the connected socket it belongs to, else one bound to its address, else one bound to any. */
  receive(skb: Skb, listener: Listener | undefined): void {
    const { packet, track } = skb;
    const { transport, payload } = packet;
    if (transport.protocol !== "udp") return;
    const from: Endpoint = { address: packet.src, port: transport.srcPort };
    const to: Endpoint = { address: packet.dst, port: transport.dstPort };
    const socket = this.#find(to, from);
    if (socket !== undefined) {
      const { process } = socket.options;
      if (track) recordArrival(skb, "receive", { protocol: "udp", local: to, remote: from, process });
      track?.verdict("delivered");
      socket.handlers.received?.(socket, from, payload);
      return;
    }
    if (listener !== undefined) return this.#serve(skb, listener, to, from, payload);
    recordNoSocket(skb, "NO_SOCKET", `Nothing listens on UDP port ${to.port} of ${formatAddress(to.address)}.`);
    // UDP lets go of the connection before it complains (nf_reset_ct in __udp4_lib_rcv): the error is tracked anew.
    skb.conntrack = undefined;
    if (sendIcmpError(this.#ns, skb, typeof to.address === "number" ? { type: 3, code: 3 } : { type: 1, code: 4 }))
      track?.verdict("rejected");
  }

  #serve(skb: Skb, listener: Listener, to: Endpoint, from: Endpoint, payload: Payload): void {
    const { track, flowKey } = skb;
    const { process, assumption } = listener;
    if (track) recordArrival(skb, "receive", { protocol: "udp", local: to, remote: from, process, assumption });
    track?.verdict("delivered");
    // A server that is bound to no address answers from the one its route prefers, whichever was asked.
    const local: Endpoint = { address: listener.address ?? anyOf(to.address), port: listener.port };
    let answers = 0;
    const options: SocketOptions = { flowKey: `${flowKey}/answer`, process };
    const socket: UdpSocket = {
      local,
      ...(track && { flow: track.flow }),
      send: (answer, target) => {
        answers++;
        const answerTrack = track?.flow.packet(
          track.packet.direction === "original" ? "reply" : "original",
          1,
          track.cause("answer"),
        );
        return this.#send(local, target ?? from, answer, options, keyOf(options.flowKey, answers), answerTrack);
      },
      close: () => undefined,
    };
    listener.datagram?.(socket, from, payload);
  }

  #find(to: Endpoint, from: Endpoint): BoundSocket | undefined {
    let best: BoundSocket | undefined;
    for (const socket of this.#ports.get(to.port) ?? []) {
      const { remote, bound } = socket;
      if (remote !== undefined) {
        if (remote.address === from.address && remote.port === from.port && bound === to.address) return socket;
      } else if (bound === to.address) best = socket;
      else if (bound === undefined) best ??= socket;
    }
    return best;
  }

  takesRedirect({ src, dst }: Packet, { srcPort, dstPort }: Ports): boolean {
    return this.#find({ address: src, port: srcPort }, { address: dst, port: dstPort }) !== undefined;
  }

  /** An ICMP error about a datagram from here: only a connected socket hears of it (__udp4_lib_err). */
  receiveError(quoted: Packet, { error, fatal }: IcmpMeaning): void {
    const { transport } = quoted;
    if (transport.protocol !== "udp") return;
    const socket = this.#find(
      { address: quoted.src, port: transport.srcPort },
      { address: quoted.dst, port: transport.dstPort },
    );
    if (socket?.remote === undefined) return;
    const tooBig = error.errno === "EMSGSIZE" && socket.options.pmtuDiscovery !== "dont";
    if (!fatal && !tooBig) return;
    const { flow, process } = socket.options;
    recordCall(this.#ns, flow, "error", {
      protocol: "udp",
      local: socket.local,
      remote: socket.remote,
      state: error.errno,
      process,
    });
    socket.handlers.failed?.(socket, error);
  }
}

function anyOf(address: Address): Address {
  return typeof address === "number" ? unspecified.ipv4 : unspecified.ipv6;
}
