import type { Address } from "../wire/address.ts";
import type { DnsMessage } from "../wire/dns.ts";
import {
  type IcmpError,
  type Packet,
  type Payload,
  type TcpSegment,
  type Transport,
  packetBytes,
  payloadBytes,
  protocolNumber,
  transportHeaderBytes,
} from "../wire/packet.ts";
import { KnownBytes } from "./known-bytes.ts";

/**
 * A packet from its IP header on, as `-m u32`, `-m string` and `-m bpf` look at it, as far as it is known. Not known are
 * checksums, identifications, flow labels, sequence numbers, windows, time stamps, and payloads that nobody stated.
 */
export function bytesOf(packet: Packet): KnownBytes {
  const bytes = new KnownBytes(packetBytes(packet));
  if (typeof packet.src === "number") putIPv4(bytes, packet);
  else putIPv6(bytes, packet);
  const { transport, payload, fragment } = packet;
  if ((fragment?.offset ?? 0) > 0) return bytes;
  putTransport(bytes, transport, payload);
  // Which part of the payload the first fragment carries is known, but not whether it is whole.
  return fragment === undefined ? putPayload(bytes, transport, payload) : bytes;
}

/** RFC 791, section 3.1. */
function putIPv4(bytes: KnownBytes, packet: Packet): void {
  const { tos = 0, dontFragment, fragment, ttl, transport, src, dst } = packet;
  const flags = (dontFragment ? 0x4000 : 0) | (fragment?.more ? 0x2000 : 0) | ((fragment?.offset ?? 0) >> 3);
  bytes.put(0x45, 1).put(tos, 1).put(bytes.length, 2).putDrawn(2).put(flags, 2);
  bytes.put(ttl, 1).put(protocolNumber(transport), 1).putDrawn(2);
  putAddress(putAddress(bytes, src), dst);
}

const fragmentHeader = 44;

/** RFC 8200, sections 3 and 4.5. */
function putIPv6(bytes: KnownBytes, packet: Packet): void {
  const { tos = 0, fragment, ttl, transport, src, dst } = packet;
  const next = protocolNumber(transport);
  bytes.put(0x60000000 | (tos << 20), 4, 0xfff00000).put(bytes.length - 40, 2);
  bytes.put(fragment === undefined ? next : fragmentHeader, 1).put(ttl, 1);
  putAddress(putAddress(bytes, src), dst);
  if (fragment !== undefined)
    bytes
      .put(next, 1)
      .put(0, 1)
      .put(fragment.offset | (fragment.more ? 1 : 0), 2)
      .putDrawn(4);
}

function putAddress(bytes: KnownBytes, address: Address): KnownBytes {
  if (typeof address === "number") return bytes.put(address, 4);
  for (let shift = 96n; shift >= 0n; shift -= 32n) bytes.put(Number((address >> shift) & 0xffffffffn), 4);
  return bytes;
}

function putTransport(bytes: KnownBytes, transport: Transport, payload: Payload): void {
  switch (transport.protocol) {
    case "tcp":
      return putTcp(bytes, transport);
    case "udp":
      bytes
        .put(transport.srcPort, 2)
        .put(transport.dstPort, 2)
        .put(8 + payloadBytes(payload), 2)
        .putDrawn(2);
      return;
    case "sctp":
      bytes
        .put(transport.srcPort, 2)
        .put(transport.dstPort, 2)
        .skip(transportHeaderBytes(transport) - 4);
      return;
    case "icmp":
    case "icmpv6": {
      const isEcho = transport.kind === "echo-request" || transport.kind === "echo-reply";
      if (transport.kind === "error") return putError(bytes, transport);
      if (!isEcho)
        bytes
          .put(transport.kind === "neighbour-solicitation" ? 135 : 136, 1)
          .put(0, 1)
          .skip(30);
      else {
        const types = transport.protocol === "icmp" ? [8, 0] : [128, 129];
        const type = types[transport.kind === "echo-request" ? 0 : 1] as number;
        // Who pings draws an identifier.
        bytes.put(type, 1).put(0, 1).putDrawn(4).put(transport.sequence, 2);
      }
      return;
    }
    case "other":
  }
}

const flagBits = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32 } as const;

/** RFC 9293, section 3.1, with the options of Linux (tcp_options_write). */
function putTcp(bytes: KnownBytes, segment: TcpSegment): void {
  const { srcPort, dstPort, flags, mss, sackBlocks } = segment;
  const length = transportHeaderBytes(segment);
  let bits = 0;
  for (const [flag, bit] of Object.entries(flagBits)) if (flags[flag as keyof typeof flagBits]) bits |= bit;
  bytes
    .put(srcPort, 2)
    .put(dstPort, 2)
    .putDrawn(8)
    .put(length << 2, 1)
    .put(bits, 1)
    .putDrawn(4);
  if (flags.urg === true) bytes.skip(2);
  else bytes.put(0, 2);
  if (length === 20) return;
  if (flags.syn === true) {
    if (mss === undefined) bytes.skip(20);
    else bytes.put(0x0204, 2).put(mss, 2).put(0x0402_080a, 4).putDrawn(8).put(0x01_0303, 3).skip(1);
    return;
  }
  bytes.put(0x0101_080a, 4).putDrawn(8);
  if (sackBlocks !== undefined) bytes.put(0x0101_0500 | (2 + 8 * sackBlocks), 4).skip(8 * sackBlocks);
}

/** RFC 792, RFC 4443: types whose second word is 0, but for the MTU. */
const plainErrors = { icmp: [3, 11], icmpv6: [1, 2, 3] } as const;

function putError(bytes: KnownBytes, { protocol, type, code, mtu = 0 }: IcmpError): void {
  bytes.put(type, 1).put(code, 1).putDrawn(2);
  if (plainErrors[protocol].some((plain) => plain === type)) bytes.put(mtu, 4);
  else bytes.skip(4);
}

function putPayload(bytes: KnownBytes, transport: Transport, payload: Payload): KnownBytes {
  if ("quoted" in transport) return transport.type === 137 ? bytes : bytes.putAll(bytesOf(transport.quoted));
  switch (payload.kind) {
    case "none":
      return bytes;
    case "bytes":
      return bytes.putText(payload.text ?? "");
    case "http":
      return bytes.putText(`${payload.line}\r\n${payload.host === undefined ? "" : `Host: ${payload.host}\r\n`}`);
    case "dns":
      return putDns(transport.protocol === "tcp" ? bytes.put(payload.length - 2, 2) : bytes, payload.message);
    case "vxlan": {
      // RFC 7348, section 5.
      const { srcMac, dstMac, body } = payload.frame;
      bytes.put(0x0800_0000, 4).put(payload.vni << 8, 4);
      for (const mac of [dstMac, srcMac]) for (const octet of mac.split(":")) bytes.put(Number.parseInt(octet, 16), 1);
      if (body.kind === "arp") return bytes.put(0x0806, 2);
      return bytes.put(typeof body.src === "number" ? 0x0800 : 0x86dd, 2).putAll(bytesOf(body));
    }
    case "ip":
      return bytes.putAll(bytesOf(payload.packet));
  }
}

const dnsTypes: Readonly<Record<string, number>> = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
};

/** RFC 1035, section 4.1: the header but for its identifier and flags, and the question. */
function putDns(bytes: KnownBytes, { question, answer, authority, additional, udpSize }: DnsMessage): KnownBytes {
  const extra = additional.length + (udpSize === undefined ? 0 : 1);
  bytes.putDrawn(2).skip(2).put(1, 2).put(answer.length, 2).put(authority.length, 2).put(extra, 2);
  for (const label of question.name.split(".")) if (label !== "") bytes.put(label.length, 1).putText(label);
  bytes.put(0, 1);
  const type = dnsTypes[question.type];
  return (type === undefined ? bytes.skip(2) : bytes.put(type, 2)).put(1, 2);
}
