import type { PacketRecord } from "../trace/records.ts";

/** One header of a packet, or what it carries at last. */
export interface HeaderLength {
  readonly name: string;
  readonly bytes: number;
  /** Of the packet inside a tunnel packet, or of the one that an ICMP error quotes. */
  readonly nested: boolean;
}

const ethernetBytes = 14;
const vxlanBytes = 8;
/** Without options. RFC 9293 3.1, RFC 768, RFC 792, RFC 826, RFC 9260 3. */
const transportBytes: Readonly<Record<string, number>> = { tcp: 20, udp: 8, icmp: 8, icmpv6: 8, sctp: 12 };

/**
 * The headers from the outside in, with their lengths in bytes. TCP options are counted with what the packet carries,
 * for a record states only the whole length.
 */
export function headerLengths(packet: PacketRecord): readonly HeaderLength[] {
  return headers(packet, false);
}

function headers(packet: PacketRecord, nested: boolean): readonly HeaderLength[] {
  const { protocol, srcMac, src, length, inner, vni } = packet;
  const ethernet = srcMac === undefined ? [] : [{ name: "Ethernet", bytes: ethernetBytes, nested }];
  if (protocol === "arp") return [...ethernet, { name: "ARP", bytes: 28, nested }];
  const ip = src.includes(":") ? { name: "IPv6", bytes: 40, nested } : { name: "IPv4", bytes: 20, nested };
  const transport = transportBytes[protocol] ?? 0;
  const rest = length - ip.bytes - transport;
  const own = transport === 0 ? [] : [{ name: protocol.toUpperCase(), bytes: transport, nested }];
  if (inner === undefined)
    return [...ethernet, ip, ...own, ...(rest > 0 ? [{ name: "data", bytes: rest, nested }] : [])];
  const tunnel = vni === undefined ? [] : [{ name: "VXLAN", bytes: vxlanBytes, nested }];
  return [...ethernet, ip, ...own, ...tunnel, ...headers(inner, true)];
}
