import { formatAddress, unspecified } from "../../wire/address.ts";
import type { Packet, SctpPacket } from "../../wire/packet.ts";
import type { NetworkNamespace } from "../namespace.ts";
import type { Skb } from "../skb.ts";
import type { Endpoint, Listener, SocketOptions, TcpConnection, TcpHandlers } from "./api.ts";
import type { IcmpMeaning } from "./errors.ts";
import { chooseSource, destinationOf, endsKey, ephemeralPort, isError } from "./local-end.ts";
import { recordArrival, recordCall, recordNoSocket } from "./record.ts";
import { SctpAssociation } from "./sctp-association.ts";
import { answerOutOfTheBlue, answerStateless } from "./sctp-chunk.ts";

/** The SCTP sockets of a namespace, one-to-one style (sctp(7)). */
export class SctpSockets {
  readonly #ns: NetworkNamespace;
  readonly #associations = new Map<string, SctpAssociation>();

  constructor(ns: NetworkNamespace) {
    this.#ns = ns;
  }

  /** Without a route nothing is sent, and the caller waits (sctp_transport_route). */
  connect(target: Endpoint, handlers: TcpHandlers, options: SocketOptions): TcpConnection {
    const remote = destinationOf(target, options);
    const chosen = chooseSource(this.#ns, remote.address, options);
    const unrouted = unspecified[typeof remote.address === "number" ? "ipv4" : "ipv6"];
    const address = isError(chosen) ? (options.source ?? unrouted) : chosen;
    const taken = (port: number): boolean => this.#associations.has(endsKey({ address, port }, remote));
    const port = options.sourcePort ?? ephemeralPort(this.#ns, "udp", options.flowKey, taken);
    const association = this.#make({ address, port: port ?? 0 }, remote, options, "original");
    association.handlers = handlers;
    const isUnbound = isError(chosen) && chosen.errno === "EADDRNOTAVAIL";
    if (!isUnbound && port !== undefined && !taken(port)) {
      this.#associations.set(endsKey(association.local, remote), association);
      association.connect();
      return association;
    }
    const errno = isUnbound ? "EADDRNOTAVAIL" : "EADDRINUSE";
    recordCall(this.#ns, options.flow, "error", { protocol: "sctp", remote, state: errno, process: options.process });
    this.#ns.surroundings.clock.after(0, () => handlers.failed?.(association, { errno }));
    return association;
  }

  #make(local: Endpoint, remote: Endpoint, options: SocketOptions, side: "original" | "reply"): SctpAssociation {
    const key = endsKey(local, remote);
    const association: SctpAssociation = new SctpAssociation({
      ns: this.#ns,
      local,
      remote,
      options,
      side,
      forget: () => {
        if (this.#associations.get(key) === association) this.#associations.delete(key);
      },
    });
    return association;
  }

  /** A packet for this namespace: its association, else the listener, which keeps nothing till the cookie is back. sctp_rcv(). */
  receive(skb: Skb, packet: SctpPacket, listener: Listener | undefined): void {
    const local: Endpoint = { address: skb.packet.dst, port: packet.dstPort };
    const remote: Endpoint = { address: skb.packet.src, port: packet.srcPort };
    const association = this.#associations.get(endsKey(local, remote));
    if (association !== undefined) return association.receive(skb, packet);
    if (listener !== undefined && packet.chunk === "init") {
      const { process, assumption } = listener;
      recordArrival(skb, "listen", { protocol: "sctp", local, remote, state: "COOKIE_WAIT", process, assumption });
      skb.track?.verdict("delivered");
      return answerStateless(this.#ns, skb, packet, "init-ack");
    }
    if (listener !== undefined && packet.chunk === "cookie-echo") return this.#accept(skb, listener, local, remote);
    const port = `SCTP port ${local.port} of ${formatAddress(local.address)}`;
    const why =
      listener === undefined ? `Nothing listens on ${port}.` : `The packet belongs to no association of ${port}.`;
    recordNoSocket(skb, "NO_SOCKET", why);
    const answer = answerOutOfTheBlue(packet);
    if (answer === undefined) return;
    skb.track?.verdict("rejected");
    answerStateless(this.#ns, skb, packet, answer);
  }

  #accept(skb: Skb, listener: Listener, local: Endpoint, remote: Endpoint): void {
    const { process, assumption } = listener;
    recordArrival(skb, "accept", { protocol: "sctp", local, remote, state: "ESTABLISHED", process, assumption });
    skb.track?.verdict("delivered");
    const association = this.#make(local, remote, { flowKey: `${skb.flowKey}/answer`, process }, "reply");
    this.#associations.set(endsKey(local, remote), association);
    association.handlers = listener.accept?.(association) ?? {};
    association.accept(skb);
  }

  /** An ICMP error about a packet from here. */
  receiveError(quoted: Packet, packet: SctpPacket, { error }: IcmpMeaning): void {
    const local: Endpoint = { address: quoted.src, port: packet.srcPort };
    this.#associations.get(endsKey(local, { address: quoted.dst, port: packet.dstPort }))?.icmpError(error);
  }
}
