import { type PacketRecord } from "../trace/records.ts";
import { formatTcpFlags } from "../trace/packet-record.ts";
import { formatAddress, ipv4, ipv6 } from "../wire/address.ts";

/* Bytes of a real wire as the packets that a trace holds: Ethernet, IPv4, IPv6, TCP, UDP, ICMP. */

/** A packet, and what tells it from others of its conversation: identification, sequence number, length. */
export interface ReadPacket {
  readonly packet: PacketRecord;
  readonly identity: string;
}

const etherTypes = { ipv4: 0x0800, ipv6: 0x86dd } as const;

/** An Ethernet frame; undefined when it carries no IP. */
export function readFrame(bytes: Buffer): ReadPacket | undefined {
  if (bytes.length < 14) return undefined;
  const type = bytes.readUInt16BE(12);
  if (type !== etherTypes.ipv4 && type !== etherTypes.ipv6) return undefined;
  const read = readIp(bytes.subarray(14));
  return read && { ...read, packet: { ...read.packet, dstMac: mac(bytes, 0), srcMac: mac(bytes, 6) } };
}

function mac(bytes: Buffer, at: number): string {
  return [...bytes.subarray(at, at + 6)].map((octet) => octet.toString(16).padStart(2, "0")).join(":");
}

/** An IP packet; undefined when it is cut too short to be one. */
export function readIp(bytes: Buffer): ReadPacket | undefined {
  const version = (bytes[0] ?? 0) >> 4;
  if (version === 4 && bytes.length >= 20) return readIpv4(bytes);
  return version === 6 && bytes.length >= 40 ? readIpv6(bytes) : undefined;
}

function readIpv4(bytes: Buffer): ReadPacket {
  const header = ((bytes[0] as number) % 16) * 4;
  const id = bytes.readUInt16BE(4);
  const bits = bytes.readUInt16BE(6);
  const offset = (bits & 0x1fff) * 8;
  const more = (bits & 0x2000) !== 0;
  const length = bytes.readUInt16BE(2);
  const upper = readUpper(bytes[9] as number, bytes.subarray(header), offset > 0, offset > 0 || more);
  return {
    packet: {
      ...upper.fields,
      src: formatAddress(ipv4(bytes.readUInt32BE(12))),
      dst: formatAddress(ipv4(bytes.readUInt32BE(16))),
      ttl: bytes[8] as number,
      dontFragment: (bits & 0x4000) !== 0,
      ...((offset > 0 || more) && { fragment: { offset, more } }),
      length,
    },
    identity: `${id} ${upper.identity} ${length} ${offset}`,
  };
}

function readIpv6(bytes: Buffer): ReadPacket {
  const { protocol, at: start, fragment } = skipExtensions(bytes);
  const upper = readUpper(protocol, bytes.subarray(start), (fragment?.offset ?? 0) > 0);
  const length = 40 + bytes.readUInt16BE(4);
  const address = (at: number): string =>
    formatAddress(ipv6((bytes.readBigUInt64BE(at) << 64n) | bytes.readBigUInt64BE(at + 8)));
  return {
    packet: {
      ...upper.fields,
      src: address(8),
      dst: address(24),
      ttl: bytes[7] as number,
      ...(fragment && { fragment }),
      length,
    },
    identity: `${upper.identity} ${length} ${fragment?.offset ?? 0}`,
  };
}

/** Hop-by-hop, routing and destination options; fragments: RFC 8200, section 4. */
const options: readonly (number | undefined)[] = [0, 43, 60];
const fragmentHeader = 44;

/** What stands behind the extension headers of an IPv6 packet, and where. */
function skipExtensions(bytes: Buffer): {
  readonly protocol: number;
  readonly at: number;
  readonly fragment?: { readonly offset: number; readonly more: boolean };
} {
  let protocol = bytes[6] as number;
  let at = 40;
  while (options.includes(protocol) && at + 8 <= bytes.length) {
    protocol = bytes[at] as number;
    at += ((bytes[at + 1] as number) + 1) * 8;
  }
  if (protocol !== fragmentHeader || at + 8 > bytes.length) return { protocol, at };
  const bits = bytes.readUInt16BE(at + 2);
  const fragment = { offset: bits & ~7, more: (bits & 1) !== 0 };
  return { protocol: bytes[at] as number, at: at + 8, fragment };
}

/** Protocol 4: a packet inside a packet (RFC 2003). */
const ipip = "4";

interface Upper {
  readonly fields: Pick<PacketRecord, "protocol"> & Partial<PacketRecord>;
  readonly identity: string;
}

function readUpper(number: number, bytes: Buffer, isLaterFragment: boolean, isFragment = isLaterFragment): Upper {
  const names: Readonly<Record<number, string>> = { 1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6", 132: "sctp" };
  const protocol = names[number] ?? String(number);
  if (isLaterFragment || bytes.length < 8) return { fields: { protocol }, identity: protocol };
  switch (protocol) {
    case "tcp":
      return readTcp(bytes);
    case "sctp":
      return readSctp(bytes);
    case "udp":
      return {
        fields: {
          protocol,
          srcPort: bytes.readUInt16BE(0),
          dstPort: bytes.readUInt16BE(2),
          ...readVxlan(bytes),
        },
        identity: protocol,
      };
    case "icmp":
    case "icmpv6":
      return readIcmp(protocol, bytes);
    case ipip: {
      const inner = isFragment ? undefined : readIp(bytes);
      return {
        fields: { protocol, ...(inner && { inner: inner.packet }) },
        identity: `${protocol} ${inner?.identity}`,
      };
    }
    default:
      return { fields: { protocol }, identity: protocol };
  }
}

/** The chunks of an SCTP packet: RFC 9260, section 3.2. */
function readSctp(bytes: Buffer): Upper {
  const chunks: string[] = [];
  for (let at = 12; at + 4 <= bytes.length; at += Math.max(4, (bytes.readUInt16BE(at + 2) + 3) & ~3)) {
    chunks.push(sctpChunks[bytes[at] as number] ?? `chunk-${bytes[at]}`);
  }
  const chunk = chunks.join("+");
  return {
    fields: { protocol: "sctp", srcPort: bytes.readUInt16BE(0), dstPort: bytes.readUInt16BE(2), chunks: chunk },
    identity: `sctp ${bytes.readUInt32BE(4)} ${chunk}`,
  };
}

/** Chunk types by number. */
const sctpChunks: readonly string[] = [
  "data",
  "init",
  "init-ack",
  "sack",
  "heartbeat",
  "heartbeat-ack",
  "abort",
  "shutdown",
  "shutdown-ack",
  "error",
  "cookie-echo",
  "cookie-ack",
  "ecne",
  "cwr",
  "shutdown-complete",
];

/** The ports of Linux' default and of the standard. */
const vxlanPorts: readonly number[] = [8472, 4789];

/** The frame inside a VXLAN datagram (RFC 7348). */
function readVxlan(bytes: Buffer): Pick<PacketRecord, "vni" | "inner"> | undefined {
  if (!vxlanPorts.includes(bytes.readUInt16BE(2)) || bytes.length < 16 || bytes[8] !== 0x08) return undefined;
  const inner = readFrame(bytes.subarray(16));
  return inner && { vni: bytes.readUIntBE(12, 3), inner: inner.packet };
}

function readTcp(bytes: Buffer): Upper {
  const bits = bytes[13] ?? 0;
  const on = (mask: number): boolean => (bits & mask) !== 0;
  const flags = formatTcpFlags({ fin: on(1), syn: on(2), rst: on(4), psh: on(8), ack: on(16), urg: on(32) });
  return {
    fields: { protocol: "tcp", srcPort: bytes.readUInt16BE(0), dstPort: bytes.readUInt16BE(2), flags },
    identity: `tcp ${flags} ${bytes.readUInt32BE(4)}`,
  };
}

/** The packet that a redirect quotes, in its option 4. RFC 4861, sections 4.5 and 4.6.3. */
function readRedirected(bytes: Buffer): ReturnType<typeof readIp> {
  for (let at = 40; at + 8 <= bytes.length && bytes[at + 1] !== 0; at += 8 * (bytes[at + 1] as number))
    if (bytes[at] === 4) return readIp(bytes.subarray(at + 8));
  return undefined;
}

function readIcmp(protocol: "icmp" | "icmpv6", bytes: Buffer): Upper {
  const type = bytes[0] as number;
  const code = bytes[1] as number;
  const echo = protocol === "icmp" ? type === 8 || type === 0 : type === 128 || type === 129;
  const error = protocol === "icmp" ? [3, 4, 5, 11, 12].includes(type) : type < 128;
  const redirected = protocol === "icmpv6" && type === 137;
  const inner = error ? readIp(bytes.subarray(8)) : redirected ? readRedirected(bytes) : undefined;
  const tooBig = protocol === "icmp" ? type === 3 && code === 4 : type === 2;
  return {
    fields: {
      protocol,
      icmpType: type,
      icmpCode: code,
      ...(echo && { ident: bytes.readUInt16BE(4), sequence: bytes.readUInt16BE(6) }),
      ...(tooBig && { mtu: protocol === "icmp" ? bytes.readUInt16BE(6) : bytes.readUInt32BE(4) }),
      ...(inner && { inner: inner.packet }),
    },
    // The identifier of an echo may be translated.
    identity: `${protocol} ${type}/${code} ${echo ? bytes.readUInt16BE(6) : ""} ${inner?.identity ?? ""}`,
  };
}
