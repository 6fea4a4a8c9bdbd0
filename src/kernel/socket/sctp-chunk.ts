import type { PacketRecorder } from "../../trace/recorder.ts";
import { familyOf } from "../../wire/address.ts";
import {
  type Packet,
  type Payload,
  type SctpChunk,
  type SctpPacket,
  emptyPayload,
  packetBytes,
} from "../../wire/packet.ts";
import { sendPacket } from "../ip/output.ts";
import { pathMtu } from "../ip/path-mtu.ts";
import { nextIdentification } from "../ip/state.ts";
import type { NetworkNamespace } from "../namespace.ts";
import { type Skb, kernelSocket } from "../skb.ts";
import type { Endpoint, SocketOptions } from "./api.ts";
import { defaultTtl, ttlTowards } from "./local-end.ts";

/** What one packet of an association says. */
export interface OutgoingChunk {
  readonly chunk: SctpChunk;
  readonly tsn?: number;
  readonly continues?: true;
  readonly cumulative?: number;
  readonly payload?: Payload;
}

/** Sends a packet of an association. Errors of the way are not told to who sends: SCTP waits for its timers. */
export function sendChunk(
  ns: NetworkNamespace,
  local: Endpoint,
  remote: Endpoint,
  options: SocketOptions,
  { payload = emptyPayload, ...chunk }: OutgoingChunk,
  send: { readonly flowKey: string; readonly track: PacketRecorder | undefined },
): void {
  const packet: Packet = {
    kind: "ip",
    src: local.address,
    dst: remote.address,
    ttl: ttlTowards(ns, remote.address, options),
    dontFragment: true,
    id: nextIdentification(ns.ip),
    transport: { protocol: "sctp", srcPort: local.port, dstPort: remote.port, ...chunk },
    payload,
  };
  const { mark, uid } = options;
  // A chunk stays as it was cut: what is too long by now is left to IP (sctp_packet_transmit).
  const isTooLong = typeof remote.address === "number" && packetBytes(packet) > pathMtu(ns, remote.address);
  const whole = isTooLong || options.pmtuDiscovery === "dont" ? { ...packet, dontFragment: false } : packet;
  sendPacket(ns, whole, {
    ...send,
    socket: { uid: uid ?? 0, gid: uid ?? 0 },
    ...(mark !== undefined && { mark }),
  });
}

/** What answers a packet without an association: RFC 9260, section 8.4. Undefined: nothing does. */
export function answerOutOfTheBlue({ chunk }: SctpPacket): SctpChunk | undefined {
  if (chunk === "abort" || chunk === "shutdown-complete" || chunk === "cookie-ack") return undefined;
  return chunk === "shutdown-ack" ? "shutdown-complete" : "abort";
}

/** Answers a packet of no association of ours, without making one. */
export function answerStateless(ns: NetworkNamespace, skb: Skb, to: SctpPacket, chunk: SctpChunk): void {
  const { packet, track, flowKey } = skb;
  const answer: Packet = {
    kind: "ip",
    src: packet.dst,
    dst: packet.src,
    ttl: defaultTtl(ns, familyOf(packet.src)),
    dontFragment: true,
    id: nextIdentification(ns.ip),
    transport: { protocol: "sctp", srcPort: to.dstPort, dstPort: to.srcPort, chunk },
    payload: emptyPayload,
  };
  const direction = track?.packet.direction === "original" ? "reply" : "original";
  const cause = track?.cause(chunk === "abort" ? "reset" : "answer");
  sendPacket(ns, answer, {
    socket: kernelSocket,
    flowKey: `${flowKey}/${chunk}`,
    track: track?.flow.packet(direction, 1, cause),
  });
}
