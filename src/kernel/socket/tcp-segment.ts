import type { PacketRecorder } from "../../trace/recorder.ts";
import {
  type Packet,
  type Payload,
  type TcpFlags,
  type TcpSegment,
  emptyPayload,
  payloadBytes,
} from "../../wire/packet.ts";
import { sendPacket } from "../ip/output.ts";
import { pathMtu } from "../ip/path-mtu.ts";
import { nextIdentification } from "../ip/state.ts";
import type { NetworkNamespace } from "../namespace.ts";
import { type Skb, kernelSocket } from "../skb.ts";
import type { Endpoint, SocketError, SocketOptions } from "./api.ts";
import { defaultTtl, ttlTowards } from "./local-end.ts";
import { familyOf } from "../../wire/address.ts";

/** Bytes of the timestamps option, which every segment after the SYN carries. */
const timestampBytes = 12;

/** One segment to be sent. */
export interface OutgoingSegment {
  readonly flags: TcpFlags;
  readonly seq: number;
  readonly ack: number;
  readonly payload?: Payload;
  readonly mss?: number;
  readonly sackBlocks?: number;
}

/** How a segment is sent. */
export interface SegmentSending {
  readonly flowKey: string;
  readonly track: PacketRecorder | undefined;
  /** A process holds its socket. */
  readonly isOwned: boolean;
  /** Its route was chosen before the source address (ip6_dst_lookup_flow). */
  readonly isUnbound: boolean;
}

/** Sends a segment of a connection. */
export function sendSegment(
  ns: NetworkNamespace,
  local: Endpoint,
  remote: Endpoint,
  options: SocketOptions,
  segment: OutgoingSegment,
  { isOwned, ...send }: SegmentSending,
): SocketError | undefined {
  const { flags, seq, ack, payload = emptyPayload, mss, sackBlocks } = segment;
  const packet: Packet = {
    kind: "ip",
    src: local.address,
    dst: remote.address,
    ttl: ttlTowards(ns, remote.address, options),
    dontFragment: options.pmtuDiscovery !== "dont" || typeof remote.address === "bigint",
    id: nextIdentification(ns.ip),
    transport: {
      protocol: "tcp",
      srcPort: local.port,
      dstPort: remote.port,
      flags,
      seq,
      ack,
      ...(mss !== undefined && { mss }),
      ...(sackBlocks !== undefined && { sackBlocks }),
    },
    payload,
  };
  const { mark, uid } = options;
  return sendPacket(ns, packet, {
    ...send,
    ...(isOwned && { socket: { uid: uid ?? 0, gid: uid ?? 0 } }),
    ...(mark !== undefined && { mark }),
  });
}

/** What a SYN announces: the path MTU less the headers without options. */
export function maximumSegmentSize(ns: NetworkNamespace, remote: Endpoint): number {
  return pathMtu(ns, remote.address) - (typeof remote.address === "number" ? 40 : 60);
}

/** Bytes of data that one segment may carry to a peer that announced `peerMss`. */
export function segmentCapacity(ns: NetworkNamespace, remote: Endpoint, peerMss: number): number {
  return Math.max(1, Math.min(peerMss, maximumSegmentSize(ns, remote)) - timestampBytes);
}

/** Sequence numbers that a segment takes up. */
export function segmentLength({ payload }: Packet, { flags }: TcpSegment): number {
  return payloadBytes(payload) + (flags.syn === true ? 1 : 0) + (flags.fin === true ? 1 : 0);
}

/** The reset that answers a segment without a connection (tcp_v4_send_reset); a reset is never answered. */
export function answerWithReset(ns: NetworkNamespace, skb: Skb, segment: TcpSegment): void {
  const { packet, track } = skb;
  if (segment.flags.rst === true) return;
  const acknowledges = segment.flags.ack === true;
  const reset: Packet = {
    kind: "ip",
    src: packet.dst,
    dst: packet.src,
    ttl: defaultTtl(ns, familyOf(packet.src)),
    dontFragment: true,
    // Without the bits of ECN (INET_ECN_MASK).
    ...(packet.tos !== undefined && { tos: packet.tos & ~3 }),
    id: nextIdentification(ns.ip),
    transport: {
      protocol: "tcp",
      srcPort: segment.dstPort,
      dstPort: segment.srcPort,
      flags: acknowledges ? { rst: true } : { rst: true, ack: true },
      seq: acknowledges ? segment.ack : 0,
      ack: acknowledges ? 0 : segment.seq + segmentLength(packet, segment),
      noOptions: true,
    },
    payload: emptyPayload,
  };
  track?.verdict("rejected");
  const direction = track?.packet.direction === "original" ? "reply" : "original";
  sendPacket(ns, reset, {
    // IPv6 sends it without (tcp_v6_send_response).
    ...(familyOf(packet.src) === "ipv4" && { socket: kernelSocket }),
    flowKey: `${skb.flowKey}/reset`,
    track: track?.flow.packet(direction, 1, track.cause("reset")),
  });
}
