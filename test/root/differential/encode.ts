import { type Address, isIPv4 } from "../../../src/wire/address.ts";
import type { Mac } from "../../../src/wire/mac.ts";
import {
  type Packet,
  type Transport,
  packetBytes,
  payloadBytes,
  protocolNumber,
  transportHeaderBytes,
} from "../../../src/wire/packet.ts";

/* Packets of the engine as bytes of a real wire, with right lengths and checksums. */

const flagBits = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32 } as const;
const chunkTypes = {
  data: 0,
  init: 1,
  "init-ack": 2,
  sack: 3,
  abort: 6,
  shutdown: 7,
  "shutdown-ack": 8,
  "cookie-echo": 10,
  "cookie-ack": 11,
  "shutdown-complete": 14,
} as const;

/** An Ethernet frame. */
export function encodeFrame(srcMac: Mac, dstMac: Mac, packet: Packet): Buffer {
  const type = isIPv4(packet.src) ? "0800" : "86dd";
  return Buffer.concat([Buffer.from((dstMac + srcMac).replaceAll(":", "") + type, "hex"), encodePacket(packet)]);
}

function encodePacket(packet: Packet): Buffer {
  const { src, dst, ttl, dontFragment, id, fragment } = packet;
  const upper = encodeUpper(packet);
  const number = protocolNumber(packet.transport);
  if (!isIPv4(src)) {
    const header = Buffer.alloc(8);
    header.writeUInt32BE(0x60000000 + (packet.tos ?? 0) * 2 ** 20, 0);
    header.writeUInt16BE(upper.length, 4);
    header[6] = number;
    header[7] = ttl;
    return Buffer.concat([header, addressBytes(src), addressBytes(dst), upper]);
  }
  const header = Buffer.alloc(20);
  header[0] = 0x45;
  header[1] = packet.tos ?? 0;
  header.writeUInt16BE(20 + upper.length, 2);
  header.writeUInt16BE(id, 4);
  const bits = (dontFragment ? 0x4000 : 0) | (fragment?.more ? 0x2000 : 0) | ((fragment?.offset ?? 0) >> 3);
  header.writeUInt16BE(bits, 6);
  header[8] = ttl;
  header[9] = number;
  addressBytes(src).copy(header, 12);
  addressBytes(dst).copy(header, 16);
  header.writeUInt16BE(checksum(header), 10);
  return Buffer.concat([header, upper]);
}

function addressBytes(address: Address): Buffer {
  return Buffer.from(address.toString(16).padStart(isIPv4(address) ? 8 : 32, "0"), "hex");
}

/** The transport header and what is behind it. */
function encodeUpper(packet: Packet): Buffer {
  const { transport, payload, src, dst, fragment } = packet;
  const isLater = (fragment?.offset ?? 0) > 0;
  const header = isLater ? Buffer.alloc(0) : encodeHeader(transport);
  const behind =
    "quoted" in transport
      ? encodePacket(transport.quoted).subarray(0, payloadBytes(payload))
      : Buffer.alloc(packetBytes(packet) - header.length - (isIPv4(src) ? 20 : 40));
  // A segment has what follows it in the payload.
  if (payload.kind === "bytes" && !("quoted" in transport) && !isLater) behind.write(payload.text ?? "");
  const upper = Buffer.concat([header, behind]);
  const at = { tcp: 16, udp: 6, icmp: 2, icmpv6: 2, sctp: -1, other: -1 }[transport.protocol];
  if (transport.protocol === "udp" && !isLater) upper.writeUInt16BE(upper.length, 4);
  if (transport.protocol === "sctp") upper.writeUInt32LE(crc32c(upper), 8);
  if (at < 0 || isLater) return upper;
  const pseudo = Buffer.alloc(8);
  pseudo.writeUInt32BE(upper.length, 0);
  pseudo[7] = protocolNumber(transport);
  const covered = transport.protocol === "icmp" ? [] : [addressBytes(src), addressBytes(dst), pseudo];
  upper.writeUInt16BE(checksum(Buffer.concat([...covered, upper])), at);
  return upper;
}

function encodeHeader(transport: Transport): Buffer {
  const header = Buffer.alloc(transportHeaderBytes(transport));
  if ("srcPort" in transport) {
    header.writeUInt16BE(transport.srcPort, 0);
    header.writeUInt16BE(transport.dstPort, 2);
  }
  switch (transport.protocol) {
    case "tcp": {
      header.writeUInt32BE(transport.seq, 4);
      header.writeUInt32BE(transport.ack, 8);
      header[12] = header.length << 2;
      for (const [flag, bit] of Object.entries(flagBits))
        if (transport.flags[flag as keyof typeof flagBits] === true) header[13] = (header[13] ?? 0) | bit;
      header.writeUInt16BE(65_535, 14);
      // What Linux sends: MSS, SACK permitted, timestamps, window scale; or timestamps alone.
      const options =
        transport.flags.syn === true ? "020405b40402080a000000010000000001030307" : "0101080a0000000100000001";
      Buffer.from(options, "hex").copy(header, 20);
      if (transport.flags.syn === true) header.writeUInt16BE(transport.mss ?? 1460, 22);
      break;
    }
    case "sctp":
      header.writeUInt32BE(1, 4);
      header[12] = chunkTypes[transport.chunk];
      header.writeUInt16BE(16, 14);
      break;
    case "icmp":
    case "icmpv6":
      if (transport.kind === "echo-request" || transport.kind === "echo-reply") {
        const isRequest = transport.kind === "echo-request";
        header[0] = transport.protocol === "icmp" ? (isRequest ? 8 : 0) : isRequest ? 128 : 129;
        header.writeUInt16BE(transport.ident, 4);
        header.writeUInt16BE(transport.sequence, 6);
      } else if (transport.kind === "error") {
        header[0] = transport.type;
        header[1] = transport.code;
        header.writeUInt32BE(transport.mtu ?? 0, 4);
      }
      break;
    case "udp":
    case "other":
      break;
  }
  return header;
}

function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += ((bytes[at] ?? 0) << 8) + (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** CRC-32C (RFC 9260, appendix A). */
function crc32c(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
}
