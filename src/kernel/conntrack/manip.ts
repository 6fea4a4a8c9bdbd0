import { type Address, formatAddress, formatEndpoint } from "../../wire/address.ts";
import { type Packet, type Transport, hasPorts } from "../../wire/packet.ts";
import type { ConntrackInfo, Skb } from "../skb.ts";
import type { ConntrackEntry, Direction, Tuple } from "./entry.ts";
import { headerChanges } from "./record.ts";

/** Whether a packet of this direction is rewritten at this side: what goes out by SNAT comes back by its inverse. */
function applies(entry: ConntrackEntry, direction: Direction, manip: "src" | "dst"): boolean {
  return (manip === "src") === (direction === "original") ? entry.nat.src : entry.nat.dst;
}

/** The tuple that packets of the other direction have. */
function opposite(entry: ConntrackEntry, direction: Direction): Tuple {
  return direction === "original" ? entry.reply : entry.original;
}

/** Rewrites a packet as its connection's bindings say: nf_nat_packet(). */
export function applyNat(skb: Skb, { entry, direction }: ConntrackInfo, manip: "src" | "dst"): void {
  if (!applies(entry, direction, manip)) return;
  const other = opposite(entry, direction);
  // The other direction's destination is this direction's source, and the other way round.
  const packet =
    manip === "src"
      ? withEnd(skb.packet, "src", other.dst, other.dstPort)
      : withEnd(skb.packet, "dst", other.src, other.srcPort);
  replacePacket(skb, packet, manip);
}

/**
 * Rewrites an ICMP error and the packet it quotes, so that it looks as if the connection had never been
 * translated. False for a redirect about a translated connection: it is dropped. nf_nat_icmp_reply_translation().
 */
export function translateError(skb: Skb, { entry, direction }: ConntrackInfo, manip: "src" | "dst"): boolean {
  const { packet } = skb;
  const { transport } = packet;
  if (!("kind" in transport) || transport.kind !== "error") return true;
  const { nat } = entry;
  if (transport.protocol === "icmp" && transport.type === 5 && (!(nat.dstDone && nat.srcDone) || nat.src || nat.dst)) {
    return false;
  }
  if (!applies(entry, direction, manip)) return true;
  const other = opposite(entry, direction);
  const quoted =
    manip === "src"
      ? withEnd(transport.quoted, "dst", other.dst, other.dstPort)
      : withEnd(transport.quoted, "src", other.src, other.srcPort);
  const outer: Packet = { ...packet, transport: { ...transport, quoted } };
  replacePacket(skb, manip === "src" ? { ...outer, src: other.dst } : { ...outer, dst: other.src }, manip);
  return true;
}

function withEnd(packet: Packet, end: "src" | "dst", address: Address, port: number): Packet {
  const transport = withPort(packet.transport, end, port);
  return end === "src" ? { ...packet, src: address, transport } : { ...packet, dst: address, transport };
}

function withPort(transport: Transport, end: "src" | "dst", port: number): Transport {
  if (hasPorts(transport)) return end === "src" ? { ...transport, srcPort: port } : { ...transport, dstPort: port };
  return "ident" in transport ? { ...transport, ident: port } : transport;
}

function replacePacket(skb: Skb, packet: Packet, manip: "src" | "dst"): void {
  const before = skb.packet;
  skb.packet = packet;
  if (skb.track === undefined) return;
  const changes = headerChanges(before, packet);
  if (changes.length === 0) return;
  skb.track.step({
    kind: "nat",
    manip,
    action: "apply",
    from: endText(before, manip),
    to: endText(packet, manip),
    changes,
  });
}

function endText(packet: Packet, manip: "src" | "dst"): string {
  const address = formatAddress(manip === "src" ? packet.src : packet.dst);
  const { transport } = packet;
  if (!hasPorts(transport)) return address;
  return formatEndpoint(
    manip === "src" ? packet.src : packet.dst,
    manip === "src" ? transport.srcPort : transport.dstPort,
  );
}
