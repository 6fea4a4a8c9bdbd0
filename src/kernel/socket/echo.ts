import type { Address } from "../../wire/address.ts";
import type { Packet } from "../../wire/packet.ts";
import { sendPacket } from "../ip/output.ts";
import { nextIdentification } from "../ip/state.ts";
import type { NetworkNamespace } from "../namespace.ts";
import type { Skb } from "../skb.ts";
import type { EchoHandlers, SocketError, Sockets } from "./api.ts";
import type { IcmpMeaning } from "./errors.ts";
import { chooseSource, destinationOf, isError, ttlTowards } from "./local-end.ts";
import { recordArrival, recordCall, recordNoSocket } from "./record.ts";

type EchoOptions = Parameters<Sockets["echo"]>[2];

interface Waiting {
  readonly remote: Address;
  readonly handlers: EchoHandlers;
  readonly options: EchoOptions;
}

/** Echo requests that wait for their replies, by identifier and sequence number. */
export class EchoSockets {
  readonly #ns: NetworkNamespace;
  readonly #waiting = new Map<number, Waiting>();

  constructor(ns: NetworkNamespace) {
    this.#ns = ns;
  }

  send(target: Address, handlers: EchoHandlers, options: EchoOptions): SocketError | undefined {
    const ns = this.#ns;
    const { address: remote } = destinationOf({ address: target }, options);
    const { ident, sequence, dataBytes, flow, process, mark, uid } = options;
    const protocol = typeof remote === "number" ? "icmp" : "icmpv6";
    const src = chooseSource(ns, remote, options);
    if (isError(src)) {
      recordCall(ns, flow, "error", { protocol, state: src.errno, process });
      return src;
    }
    const packet: Packet = {
      kind: "ip",
      src,
      dst: remote,
      ttl: ttlTowards(ns, remote, options),
      dontFragment: true,
      id: nextIdentification(ns.ip),
      transport: { protocol, kind: "echo-request", ident, sequence },
      payload: { kind: "bytes", length: dataBytes },
    };
    this.#waiting.set(key(ident, sequence), { remote, handlers, options });
    return sendPacket(ns, packet, {
      flowKey: options.flowKey,
      track: flow?.packet("original"),
      pmtuDiscovery: options.pmtuDiscovery ?? "want",
      isUnbound: options.source === undefined && (options.connects !== true || protocol === "icmpv6"),
      socket: { uid: uid ?? 0, gid: uid ?? 0 },
      ...(mark !== undefined && { mark }),
    });
  }

  receive(skb: Skb): void {
    const { transport, src, ttl } = skb.packet;
    if (!("ident" in transport)) return;
    const { ident, sequence, protocol } = transport;
    const waiting = this.#waiting.get(key(ident, sequence));
    if (waiting === undefined) return recordNoSocket(skb, "ECHO_UNASKED");
    this.#waiting.delete(key(ident, sequence));
    const { process } = waiting.options;
    if (skb.track)
      recordArrival(skb, "receive", {
        protocol,
        process,
      });
    skb.track?.verdict("delivered");
    waiting.handlers.replied?.(src, ttl, sequence);
  }

  /** A raw or ping socket hears of every error about its request. */
  receiveError(quoted: Packet, { error }: IcmpMeaning): void {
    const { transport, dst } = quoted;
    if (!("ident" in transport) || transport.kind !== "echo-request") return;
    const id = key(transport.ident, transport.sequence);
    const waiting = this.#waiting.get(id);
    if (waiting === undefined || waiting.remote !== dst) return;
    this.#waiting.delete(id);
    const { flow, process } = waiting.options;
    recordCall(this.#ns, flow, "error", { protocol: transport.protocol, state: error.errno, process });
    waiting.handlers.failed?.(error);
  }
}

function key(ident: number, sequence: number): number {
  return ident * 65_536 + sequence;
}
