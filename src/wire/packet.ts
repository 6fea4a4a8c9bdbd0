import type { Address } from "./address.ts";
import type { DnsMessage } from "./dns.ts";
import type { Mac } from "./mac.ts";

/*
 * Frame ── Ethernet addresses ─┬─ Packet (IP) ─┬─ Transport (TCP, UDP, SCTP, ICMP, ...)
 *                              └─ Arp          └─ Payload (bytes, DNS, HTTP, or a whole Frame: VXLAN)
 * All of it is immutable and copied by spread; what the kernel hangs on a packet (mark, conntrack entry,
 * devices) lives in kernel/skb.ts and never crosses a wire.
 */

/** One Ethernet frame. */
export interface Frame {
  readonly srcMac: Mac;
  readonly dstMac: Mac;
  readonly body: Packet | Arp;
}

/** One IP packet (RFC 791, RFC 8200). */
export interface Packet {
  readonly kind: "ip";
  readonly src: Address;
  readonly dst: Address;
  /** TTL, or hop limit in IPv6. */
  readonly ttl: number;
  /** DF. Always true in IPv6, where routers never fragment. */
  readonly dontFragment: boolean;
  /** TOS or traffic class: DSCP above two bits of ECN (RFC 2474). Absent: 0. */
  readonly tos?: number;
  /** IPv4 identification: tells packets apart in a rule trace; also groups fragments. */
  readonly id: number;
  /** Present on fragments only. Offset in bytes. */
  readonly fragment?: { readonly offset: number; readonly more: boolean };
  readonly transport: Transport;
  readonly payload: Payload;
}

/** ARP (RFC 826) for IPv4. Neighbour discovery for IPv6 is ICMPv6 and thus a Packet. */
export interface Arp {
  readonly kind: "arp";
  readonly operation: "request" | "reply";
  readonly senderMac: Mac;
  readonly senderAddress: Address;
  readonly targetMac: Mac;
  readonly targetAddress: Address;
}

export interface Ports {
  readonly srcPort: number;
  readonly dstPort: number;
}

export interface TcpFlags {
  readonly syn?: boolean;
  readonly ack?: boolean;
  readonly fin?: boolean;
  readonly rst?: boolean;
  readonly psh?: boolean;
  readonly urg?: boolean;
}

export interface TcpSegment extends Ports {
  readonly protocol: "tcp";
  readonly flags: TcpFlags;
  /** Sequence and acknowledgement numbers relative to an initial sequence number of 0. */
  readonly seq: number;
  readonly ack: number;
  /** The TCP checksum is wrong: nobody believes the segment. */
  readonly badChecksum?: true;
  /** Blocks of the SACK option (RFC 2018): what a receiver has beyond a gap. */
  readonly sackBlocks?: number;
  /** The MSS option of a SYN, bytes. */
  readonly mss?: number;
  /** A bare header: a reset that no connection sends has no options. */
  readonly noOptions?: true;
}

export interface UdpDatagram extends Ports {
  readonly protocol: "udp";
}

/** Types of SCTP chunks (RFC 9260, section 3.2), as far as they are modelled. */
export type SctpChunk =
  | "init"
  | "init-ack"
  | "cookie-echo"
  | "cookie-ack"
  | "data"
  | "sack"
  | "shutdown"
  | "shutdown-ack"
  | "shutdown-complete"
  | "abort";

/** SCTP: the one chunk of a packet, or a SACK and the DATA behind it. */
export interface SctpPacket extends Ports {
  readonly protocol: "sctp";
  readonly chunk: SctpChunk;
  /** Transmission sequence number of DATA, from 1. */
  readonly tsn?: number;
  /** The message goes on in the next DATA (its E bit is 0). */
  readonly continues?: true;
  /** What a SACK acknowledges; DATA that has it comes behind a SACK. */
  readonly cumulative?: number;
}

/** The chunks of a packet in their order. */
export function sctpChunks({ chunk, cumulative }: SctpPacket): readonly SctpChunk[] {
  return chunk === "data" && cumulative !== undefined ? ["sack", "data"] : [chunk];
}

/** Echo request and reply of both ICMPs. */
export interface IcmpEcho {
  readonly protocol: "icmp" | "icmpv6";
  readonly kind: "echo-request" | "echo-reply";
  readonly ident: number;
  readonly sequence: number;
}

/** An ICMP error (RFC 792, RFC 4443): quotes the packet that caused it. */
export interface IcmpError {
  readonly protocol: "icmp" | "icmpv6";
  readonly kind: "error";
  readonly type: number;
  readonly code: number;
  /** Next-hop MTU of "fragmentation needed" and "packet too big", bytes. */
  readonly mtu?: number;
  /** The better gateway that a redirect names. */
  readonly gateway?: Address;
  /** The link address of that gateway, where an IPv6 router knows it. */
  readonly linkLayer?: Mac;
  readonly quoted: Packet;
}

/** Neighbour solicitation and advertisement (RFC 4861). */
export interface NeighbourDiscovery {
  readonly protocol: "icmpv6";
  readonly kind: "neighbour-solicitation" | "neighbour-advertisement";
  readonly target: Address;
  readonly linkLayer: Mac;
}

/** A protocol of which only the number is known (IPIP is 4, with the inner packet as payload). */
export interface OtherProtocol {
  readonly protocol: "other";
  /** IANA protocol number. */
  readonly number: number;
}

export type Transport =
  | TcpSegment
  | UdpDatagram
  | SctpPacket
  | IcmpEcho
  | IcmpError
  | NeighbourDiscovery
  | OtherProtocol;

export type Payload =
  | { readonly kind: "none" }
  | { readonly kind: "bytes"; readonly length: number; readonly text?: string }
  | { readonly kind: "http"; readonly length: number; readonly line: string; readonly host?: string }
  | { readonly kind: "dns"; readonly length: number; readonly message: DnsMessage }
  | { readonly kind: "vxlan"; readonly vni: number; readonly frame: Frame }
  | { readonly kind: "ip"; readonly packet: Packet };

export const emptyPayload: Payload = { kind: "none" };

/** IANA number of the transport protocol. */
export function protocolNumber(transport: Transport): number {
  switch (transport.protocol) {
    case "tcp":
      return 6;
    case "udp":
      return 17;
    case "sctp":
      return 132;
    case "icmp":
      return 1;
    case "icmpv6":
      return 58;
    case "other":
      return transport.number;
  }
}

export type PortedTransport = TcpSegment | UdpDatagram | SctpPacket;

/** True for the protocols that have ports. */
export function hasPorts(transport: Transport): transport is PortedTransport {
  return transport.protocol === "tcp" || transport.protocol === "udp" || transport.protocol === "sctp";
}

/** The common header and one chunk without data, as Linux sends them to a peer with one address; the cookie is Linux's own. */
const sctpBytes: Readonly<Record<SctpChunk, number>> = {
  init: 48,
  "init-ack": 272,
  "cookie-echo": 244,
  "cookie-ack": 16,
  data: 28,
  sack: 28,
  shutdown: 20,
  "shutdown-ack": 16,
  "shutdown-complete": 16,
  abort: 16,
};

/** Bytes of the transport header. A SYN carries 20 bytes of options, other segments 12 (timestamps), as Linux sends them. */
export function transportHeaderBytes(transport: Transport): number {
  switch (transport.protocol) {
    case "tcp":
      if (transport.noOptions === true) return 20;
      if (transport.flags.syn === true) return 40;
      return transport.sackBlocks === undefined ? 32 : 36 + 8 * transport.sackBlocks;
    case "udp":
      return 8;
    case "sctp":
      return sctpBytes[transport.chunk] + (transport.chunk === "data" && transport.cumulative !== undefined ? 16 : 0);
    case "icmp":
    case "icmpv6":
      return transport.kind === "neighbour-solicitation" || transport.kind === "neighbour-advertisement" ? 32 : 8;
    case "other":
      return 0;
  }
}

/** Bytes of payload behind the transport header. */
export function payloadBytes(payload: Payload): number {
  switch (payload.kind) {
    case "none":
      return 0;
    case "bytes":
    case "http":
    case "dns":
      return payload.length;
    case "vxlan":
      return 8 + 14 + frameBodyBytes(payload.frame);
    case "ip":
      return packetBytes(payload.packet);
  }
}

/** The headers before what a packet carries, bytes: in IPv6 a fragment has one of its own (RFC 8200, section 4.5). */
export function headerBytes({ src, fragment }: Pick<Packet, "src" | "fragment">): number {
  if (typeof src === "number") return 20;
  return fragment === undefined ? 40 : 48;
}

/** Total length of the IP packet, header included, bytes: what is compared with an MTU. */
export function packetBytes(packet: Packet): number {
  const header = headerBytes(packet);
  // Only the first fragment carries the transport header; an ICMP error carries what it quotes.
  const transport = packet.fragment && packet.fragment.offset > 0 ? 0 : transportHeaderBytes(packet.transport);
  const payload = payloadBytes(packet.payload);
  // Chunks end at a multiple of four bytes.
  return header + transport + (packet.transport.protocol === "sctp" ? (payload + 3) & ~3 : payload);
}

function frameBodyBytes(frame: Frame): number {
  return frame.body.kind === "arp" ? 28 : packetBytes(frame.body);
}
