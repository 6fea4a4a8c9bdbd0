import type { PacketRecord } from "../trace/records.ts";
import { addressBytes, macBytes, numberBytes } from "./byte-text.ts";

/** One field of a header, at its place on the wire. */
export interface LayerField {
  /** The same for one field in all states of a packet: `1.src`. */
  readonly id: string;
  /** The key of the record that it shows; absent for what the record does not hold (a checksum) or what is fixed. */
  readonly field?: keyof PacketRecord;
  readonly label: string;
  /** As text; empty for what is not recorded. */
  readonly value: string;
  /** From the first byte of the frame. Without bytes it is no part of the packet (the mark). */
  readonly offset: number;
  /** Undefined: the trace does not say. */
  readonly bytes: readonly (number | undefined)[];
}

/** One header, or what the packet carries at last. */
export interface PacketLayer {
  readonly name: string;
  /** Of the packet inside a tunnel packet, or of the one that an ICMP error quotes. */
  readonly nested: boolean;
  readonly offset: number;
  readonly length: number;
  readonly fields: readonly LayerField[];
}

const etherTypes = { arp: 0x0806, ipv4: 0x0800, ipv6: 0x86dd } as const;
/** IANA, protocol numbers. */
const protocolNumbers: Readonly<Record<string, number>> = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58, sctp: 132 };
/** RFC 9293 3.1: from the lowest bit on. */
const flagLetters = "FSRPAU";
const flagNames = ["FIN", "SYN", "RST", "PSH", "ACK", "URG"] as const;
const unsaid = (count: number): undefined[] => Array<undefined>(count).fill(undefined);

/**
 * The packet on the wire, header by header from the outside in: Ethernet (RFC 894), ARP (RFC 826), IPv4 (RFC 791),
 * IPv6 (RFC 8200), TCP (RFC 9293), UDP (RFC 768), ICMP (RFC 792), ICMPv6 (RFC 4443), SCTP (RFC 9260), VXLAN (RFC 7348).
 * What the trace does not hold (checksums, identification, windows, options, data) has no bytes.
 */
export function packetLayers(packet: PacketRecord): readonly PacketLayer[] {
  return new LayerWriter().write(packet);
}

/** Writes headers one after another and counts the bytes. */
class LayerWriter {
  readonly #layers: (PacketLayer & { length: number; readonly fields: LayerField[] })[] = [];
  #offset = 0;
  #nested = false;

  write(packet: PacketRecord): readonly PacketLayer[] {
    this.#frame(packet);
    if (packet.mark !== undefined) {
      this.#layer("In this kernel");
      this.#field("mark", "mark", `0x${packet.mark.toString(16)}`, []);
    }
    return this.#layers;
  }

  #layer(name: string): void {
    this.#layers.push({ name, nested: this.#nested, offset: this.#offset, length: 0, fields: [] });
  }

  #put(label: string, value: string, bytes: LayerField["bytes"], field?: keyof PacketRecord): void {
    const layer = this.#layers.at(-1);
    if (layer === undefined) return;
    const id = `${this.#layers.length}.${field ?? label}`;
    layer.fields.push({ id, label, value, offset: this.#offset, bytes, ...(field && { field }) });
    layer.length += bytes.length;
    this.#offset += bytes.length;
  }

  #field(field: keyof PacketRecord, label: string, value: string, bytes: LayerField["bytes"]): void {
    this.#put(label, value, bytes, field);
  }

  /** A number that the record holds; without it the trace does not say. */
  #number(
    packet: PacketRecord,
    field: "srcPort" | "dstPort" | "seq" | "ack" | "ident" | "sequence",
    label: string,
    size: number,
  ): void {
    const value = packet[field];
    if (value === undefined) this.#put(label, "", unsaid(size));
    else this.#field(field, label, String(value), numberBytes(value, size));
  }

  #frame(packet: PacketRecord): void {
    const { srcMac, dstMac, protocol, src } = packet;
    const family = src.includes(":") ? "ipv6" : "ipv4";
    if (srcMac !== undefined || dstMac !== undefined) {
      this.#layer("Ethernet");
      this.#mac("dstMac", "to", dstMac);
      this.#mac("srcMac", "from", srcMac);
      this.#put("type", "", numberBytes(etherTypes[protocol === "arp" ? "arp" : family], 2));
    }
    if (protocol === "arp") return this.#arp(packet);
    const begin = this.#offset;
    if (family === "ipv4") this.#ipv4(packet);
    else this.#ipv6(packet);
    this.#transport(packet, begin);
  }

  #mac(field: "srcMac" | "dstMac", label: string, mac: string | undefined): void {
    if (mac === undefined) this.#put(label, "", unsaid(6));
    else this.#field(field, label, mac, macBytes(mac));
  }

  #arp({ src, dst, srcMac, payload = "" }: PacketRecord): void {
    const asks = payload.startsWith("who has");
    this.#layer("ARP");
    this.#put("hardware, protocol", "", [0, 1, 8, 0, 6, 4]);
    this.#field("payload", "says", payload, numberBytes(asks ? 1 : 2, 2));
    this.#put("sender's Ethernet address", "", srcMac === undefined ? unsaid(6) : macBytes(srcMac));
    this.#field("src", "sender", src, addressBytes(src));
    this.#put("target's Ethernet address", "", asks ? [0, 0, 0, 0, 0, 0] : unsaid(6));
    this.#field("dst", "target", dst, addressBytes(dst));
  }

  #ipv4({ src, dst, ttl, tos, length, protocol, dontFragment, fragment }: PacketRecord): void {
    this.#layer("IPv4");
    this.#put("version, header length", "", [0x45]);
    if (tos === undefined) this.#put("service", "", unsaid(1));
    else this.#field("tos", "service", serviceText(tos), [tos]);
    this.#field("length", "length", `${length} bytes`, numberBytes(length, 2));
    this.#put("identification", "", unsaid(2));
    const bits =
      (dontFragment === true ? 0x4000 : 0) + (fragment?.more === true ? 0x2000 : 0) + (fragment?.offset ?? 0) / 8;
    const cutting =
      fragment === undefined ? "" : `, piece at byte ${fragment.offset}${fragment.more ? ", more follow" : ""}`;
    this.#field(
      "dontFragment",
      "cutting",
      `${dontFragment === true ? "forbidden" : "allowed"}${cutting}`,
      dontFragment === undefined ? unsaid(2) : numberBytes(bits, 2),
    );
    this.#hops(ttl);
    this.#field("protocol", "protocol", protocol, protocolByte(protocol));
    this.#put("checksum", "", unsaid(2));
    this.#field("src", "from", src, addressBytes(src));
    this.#field("dst", "to", dst, addressBytes(dst));
  }

  #ipv6({ src, dst, ttl, tos, length, protocol }: PacketRecord): void {
    this.#layer("IPv6");
    if (tos === undefined) this.#put("version, class, flow", "", [0x60, ...unsaid(3)]);
    else this.#field("tos", "version, class, flow", serviceText(tos), [0x60 | (tos >> 4), ...unsaid(3)]);
    this.#field("length", "length", `${length} bytes`, numberBytes(length - 40, 2));
    this.#field("protocol", "protocol", protocol, protocolByte(protocol));
    this.#hops(ttl);
    this.#field("src", "from", src, addressBytes(src));
    this.#field("dst", "to", dst, addressBytes(dst));
  }

  #hops(ttl: number | undefined): void {
    if (ttl === undefined) this.#put("time to live", "", unsaid(1));
    else this.#field("ttl", "time to live", String(ttl), [ttl]);
  }

  /** What comes behind an IP header that began at `begin`. */
  #transport(packet: PacketRecord, begin: number): void {
    const end = begin + packet.length;
    const { protocol, fragment, inner } = packet;
    if (fragment === undefined || fragment.offset === 0) {
      if (protocol === "tcp") this.#tcp(packet, end);
      else if (protocol === "udp") this.#udp(packet, end);
      else if (protocol === "icmp" || protocol === "icmpv6") this.#icmp(packet);
      else if (protocol === "sctp") this.#sctp(packet);
    }
    if (packet.vni !== undefined) {
      this.#layer("VXLAN");
      this.#put("flags", "", [8, 0, 0, 0]);
      this.#field("vni", "network", String(packet.vni), numberBytes(packet.vni, 3));
      this.#put("reserved", "", [0]);
    }
    if (inner !== undefined) {
      const before = this.#nested;
      this.#nested = true;
      this.#frame(inner);
      this.#nested = before;
      return;
    }
    this.#data(packet, end - this.#offset);
  }

  #tcp(packet: PacketRecord, end: number): void {
    const { flags = "", payload } = packet;
    // Without data all that is left are options; with data, time stamps are what Linux sends.
    const header = payload === undefined ? end - this.#offset : 32;
    this.#layer("TCP");
    this.#number(packet, "srcPort", "from port", 2);
    this.#number(packet, "dstPort", "to port", 2);
    this.#number(packet, "seq", "sequence", 4);
    this.#number(packet, "ack", "acknowledges", 4);
    this.#put("header length", "", [(header / 4) << 4]);
    const letters = [...flags];
    const bits = letters.reduce((sum, letter) => sum + (1 << flagLetters.indexOf(letter)), 0);
    this.#field("flags", "flags", letters.map((letter) => flagNames[flagLetters.indexOf(letter)] ?? letter).join(" "), [
      bits,
    ]);
    this.#put("window", "", unsaid(2));
    this.#put("checksum", "", unsaid(2));
    this.#put("urgent", "", unsaid(2));
    if (header > 20) this.#put("options", "", unsaid(header - 20));
  }

  #udp(packet: PacketRecord, end: number): void {
    const length = end - this.#offset;
    this.#layer("UDP");
    this.#number(packet, "srcPort", "from port", 2);
    this.#number(packet, "dstPort", "to port", 2);
    this.#put("length", "", packet.fragment === undefined ? numberBytes(length, 2) : unsaid(2));
    this.#put("checksum", "", unsaid(2));
  }

  #sctp(packet: PacketRecord): void {
    this.#layer("SCTP");
    this.#number(packet, "srcPort", "from port", 2);
    this.#number(packet, "dstPort", "to port", 2);
    this.#put("verification tag", "", unsaid(4));
    this.#put("checksum", "", unsaid(4));
  }

  #icmp(packet: PacketRecord): void {
    const { protocol, icmpType, icmpCode, mtu, ident } = packet;
    this.#layer(protocol === "icmp" ? "ICMP" : "ICMPv6");
    if (icmpType === undefined) this.#put("type", "", unsaid(1));
    else this.#field("icmpType", "type", String(icmpType), [icmpType]);
    if (icmpCode === undefined) this.#put("code", "", unsaid(1));
    else this.#field("icmpCode", "code", String(icmpCode), [icmpCode]);
    this.#put("checksum", "", unsaid(2));
    if (ident !== undefined) {
      this.#number(packet, "ident", "identifier", 2);
      this.#number(packet, "sequence", "sequence", 2);
    } else if (mtu !== undefined) this.#field("mtu", "largest size", `${mtu} bytes`, numberBytes(mtu, 4));
    else this.#put("unused", "", [0, 0, 0, 0]);
  }

  #data({ payload }: PacketRecord, length: number): void {
    if (length <= 0 && payload === undefined) return;
    this.#layer("Data");
    const text = `${payload ?? ""}${payload !== undefined && length > 0 ? ", " : ""}${length > 0 ? `${length} bytes` : ""}`;
    if (payload === undefined) this.#put("carries", text, unsaid(Math.max(0, length)));
    else this.#field("payload", "says", text, unsaid(Math.max(0, length)));
  }
}

function protocolByte(protocol: string): readonly (number | undefined)[] {
  const number = protocolNumbers[protocol] ?? Number(protocol);
  return [Number.isInteger(number) ? number : undefined];
}

/** DSCP, and the two bits of ECN below it. */
function serviceText(tos: number): string {
  return `DSCP ${tos >> 2}${(tos & 3) === 0 ? "" : `, ECN ${tos & 3}`}`;
}
