import { formatAddress } from "../wire/address.ts";
import {
  type Arp,
  type Packet,
  type Payload,
  type TcpFlags,
  packetBytes,
  payloadBytes,
  sctpChunks,
} from "../wire/packet.ts";
import type { PacketRecord } from "./records.ts";

/** What of a packet is recorded: its body and, where they exist, Ethernet addresses and mark. */
export interface PacketView {
  readonly body: Packet | Arp;
  readonly srcMac?: string;
  readonly dstMac?: string;
  readonly mark?: number;
}

/** A packet as plain text and numbers. */
export function recordPacket(view: PacketView): PacketRecord {
  const { body, srcMac, dstMac, mark } = view;
  return {
    ...(srcMac !== undefined && { srcMac }),
    ...(dstMac !== undefined && { dstMac }),
    ...(mark !== undefined && mark !== 0 && { mark }),
    ...(body.kind === "arp" ? recordArp(body) : recordIp(body)),
  };
}

function recordArp(arp: Arp): PacketRecord {
  const target = formatAddress(arp.targetAddress);
  const sender = formatAddress(arp.senderAddress);
  const payload =
    arp.operation === "request" ? `who has ${target}? tell ${sender}` : `${sender} is at ${arp.senderMac}`;
  return { protocol: "arp", src: sender, dst: target, length: 28, payload };
}

function recordIp(packet: Packet): PacketRecord {
  const line = payloadLine(packet.payload);
  return {
    ...transportFields(packet),
    src: formatAddress(packet.src),
    dst: formatAddress(packet.dst),
    ttl: packet.ttl,
    ...(packet.tos !== undefined && packet.tos !== 0 && { tos: packet.tos }),
    dontFragment: packet.dontFragment,
    ...(packet.fragment && { fragment: packet.fragment }),
    length: packetBytes(packet),
    ...(line !== undefined && { payload: line }),
    ...innerFields(packet.payload),
  };
}

function transportFields(packet: Packet): Pick<PacketRecord, "protocol"> & Partial<PacketRecord> {
  const { transport } = packet;
  switch (transport.protocol) {
    case "tcp":
      return {
        protocol: "tcp",
        srcPort: transport.srcPort,
        dstPort: transport.dstPort,
        flags: formatTcpFlags(transport.flags),
        seq: transport.seq,
        ack: transport.ack,
      };
    case "sctp":
      return {
        protocol: "sctp",
        srcPort: transport.srcPort,
        dstPort: transport.dstPort,
        chunks: sctpChunks(transport).join("+"),
      };
    case "udp":
      return { protocol: transport.protocol, srcPort: transport.srcPort, dstPort: transport.dstPort };
    case "icmp":
    case "icmpv6":
      switch (transport.kind) {
        case "echo-request":
        case "echo-reply":
          return {
            protocol: transport.protocol,
            icmpType: icmpEchoType(transport.protocol, transport.kind),
            icmpCode: 0,
            ident: transport.ident,
            sequence: transport.sequence,
          };
        case "error":
          return {
            protocol: transport.protocol,
            icmpType: transport.type,
            icmpCode: transport.code,
            ...(transport.mtu !== undefined && { mtu: transport.mtu }),
            inner: recordIp(transport.quoted),
          };
        case "neighbour-solicitation":
        case "neighbour-advertisement":
          return {
            protocol: "icmpv6",
            icmpType: transport.kind === "neighbour-solicitation" ? 135 : 136,
            icmpCode: 0,
            payload: `${transport.kind} ${formatAddress(transport.target)}`,
          };
      }
      break;
    case "other":
      return { protocol: String(transport.number) };
  }
}

/** ICMP and ICMPv6 type numbers of the echo messages. */
export function icmpEchoType(protocol: "icmp" | "icmpv6", kind: "echo-request" | "echo-reply"): number {
  if (protocol === "icmp") return kind === "echo-request" ? 8 : 0;
  return kind === "echo-request" ? 128 : 129;
}

/** Flags in tcpdump's letters, in the order the kernel cases use: F S R P A U. */
export function formatTcpFlags(flags: TcpFlags): string {
  return (
    (flags.fin === true ? "F" : "") +
    (flags.syn === true ? "S" : "") +
    (flags.rst === true ? "R" : "") +
    (flags.psh === true ? "P" : "") +
    (flags.ack === true ? "A" : "") +
    (flags.urg === true ? "U" : "")
  );
}

function innerFields(payload: Payload): Partial<PacketRecord> {
  switch (payload.kind) {
    case "vxlan":
      return { vni: payload.vni, inner: recordPacket({ ...payload.frame, body: payload.frame.body }) };
    case "ip":
      return { inner: recordIp(payload.packet) };
    case "none":
    case "bytes":
    case "http":
    case "dns":
      return {};
  }
}

function payloadLine(payload: Payload): string | undefined {
  switch (payload.kind) {
    case "none":
    case "ip":
      return undefined;
    case "bytes":
      return payload.text ?? `${payloadBytes(payload)} bytes`;
    case "http":
      return payload.host === undefined ? payload.line : `${payload.line} (Host: ${payload.host})`;
    case "dns": {
      const { question, response, rcode, answer } = payload.message;
      if (!response) return `${question.type}? ${question.name}`;
      return `${question.type} ${question.name}: ${rcode}, ${answer.length} ${answer.length === 1 ? "record" : "records"}`;
    }
    case "vxlan":
      return `VXLAN ${payload.vni}`;
  }
}
