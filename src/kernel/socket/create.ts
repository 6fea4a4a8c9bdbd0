import type { Packet } from "../../wire/packet.ts";
import { sendIcmpError } from "../icmp.ts";
import { ipipProtocol, receiveIpipError } from "../ipip.ts";
import type { NetworkNamespace } from "../namespace.ts";
import type { Skb } from "../skb.ts";
import type { Endpoint, FoundSocket, Listener, Sockets } from "./api.ts";
import { EchoSockets } from "./echo.ts";
import { meaningOf } from "./errors.ts";
import { recordNoSocket } from "./record.ts";
import { SctpSockets } from "./sctp.ts";
import { TcpSockets } from "./tcp.ts";
import { UdpSockets } from "./udp.ts";

/** The sockets of a namespace: listeners, TCP connections, UDP sockets, echo requests. */
export function createSockets(ns: NetworkNamespace): Sockets {
  const listeners: Listener[] = [];
  const tcp = new TcpSockets(ns);
  const udp = new UdpSockets(ns);
  const sctp = new SctpSockets(ns);
  const echo = new EchoSockets(ns);

  /** One bound to the address comes before one bound to any. */
  function listenerFor(protocol: Listener["protocol"], { address, port }: Endpoint): Listener | undefined {
    let any: Listener | undefined;
    for (const listener of listeners) {
      if (listener.port !== port || listener.protocol !== protocol) continue;
      if (listener.address === address) return listener;
      if (listener.address === undefined) any ??= listener;
    }
    return any;
  }

  function find(protocol: "tcp" | "udp", local: Endpoint, remote: Endpoint): FoundSocket | undefined {
    const open = protocol === "tcp" ? tcp.find(local, remote) : udp.find(local, remote);
    if (open !== undefined) return open;
    const listener = listenerFor(protocol, local);
    if (listener === undefined) return undefined;
    const { transparent } = listener;
    return { isWildcard: listener.address === undefined, listener, ...(transparent !== undefined && { transparent }) };
  }

  function receive(skb: Skb): void {
    const { packet, assigned } = skb;
    const { transport } = packet;
    switch (transport.protocol) {
      case "tcp":
        return tcp.receive(
          skb,
          transport,
          assigned ?? listenerFor("tcp", { address: packet.dst, port: transport.dstPort }),
        );
      case "udp":
        return udp.receive(skb, assigned ?? listenerFor("udp", { address: packet.dst, port: transport.dstPort }));
      case "icmp":
      case "icmpv6":
        return echo.receive(skb);
      case "sctp":
        return sctp.receive(skb, transport, listenerFor("sctp", { address: packet.dst, port: transport.dstPort }));
      case "other":
        recordNoSocket(skb, "NO_PROTOCOL");
        if (sendIcmpError(ns, skb, typeof packet.dst === "number" ? { type: 3, code: 2 } : { type: 4, code: 1 })) {
          skb.track?.verdict("rejected");
        }
    }
  }

  function receiveError(packet: Packet): void {
    const { transport: icmp } = packet;
    if (!("kind" in icmp) || icmp.kind !== "error") return;
    const { quoted } = icmp;
    const meaning = meaningOf(packet, icmp);
    if (meaning === undefined) return;
    const { transport } = quoted;
    switch (transport.protocol) {
      case "tcp":
        return tcp.receiveError(quoted, transport, icmp, meaning);
      case "udp":
        return udp.receiveError(quoted, meaning);
      case "icmp":
      case "icmpv6":
        return echo.receiveError(quoted, meaning);
      case "other":
        if (transport.number === ipipProtocol) receiveIpipError(ns, quoted, icmp);
        return;
      case "sctp":
        return sctp.receiveError(quoted, transport, meaning);
    }
  }

  function takesRedirect(sent: Packet): boolean {
    switch (sent.transport.protocol) {
      case "tcp":
        return tcp.takesRedirect(sent, sent.transport);
      case "udp":
        return udp.takesRedirect(sent, sent.transport);
      default:
        return true;
    }
  }

  return {
    listeners,
    listen: (listener) => void listeners.push(listener),
    unlisten(protocol, port) {
      for (let i = listeners.length - 1; i >= 0; i--) {
        if (listeners[i]?.protocol === protocol && listeners[i]?.port === port) listeners.splice(i, 1);
      }
    },
    connectTcp: (remote, handlers, options) => tcp.connect(remote, handlers, options),
    connectSctp: (remote, handlers, options) => sctp.connect(remote, handlers, options),
    openUdp: (remote, handlers, options) => udp.open(remote, handlers, options),
    echo: (remote, handlers, options) => echo.send(remote, handlers, options),
    find,
    receive,
    receiveError,
    takesRedirect,
  };
}
