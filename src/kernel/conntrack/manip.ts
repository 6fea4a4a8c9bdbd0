import { type Address, formatAddress, formatEndpoint } from "../../wire/address.ts";
import { type Packet, type Transport, hasPorts } from "../../wire/packet.ts";
import type { ConntrackInfo, Skb } from "../skb.ts";
import type { Connection } from "./connection.ts";
import type { Direction } from "./entry.ts";
import { headerChanges } from "./record.ts";

/** Whether a packet of this direction is rewritten at this side: what goes out by SNAT comes back by its inverse. */
function applies(entry: Connection, direction: Direction, manip: "src" | "dst"): boolean {
  return entry.isTranslated((manip === "src") === (direction === "original") ? "src" : "dst");
}

function opposite(direction: Direction): Direction {
  return direction === "original" ? "reply" : "original";
}

/** The other end: what is the source of one direction is the destination of the other. */
function otherEnd(end: "src" | "dst"): "src" | "dst" {
  return end === "src" ? "dst" : "src";
}

/** Rewrites a packet as its connection's bindings say: nf_nat_packet(). */
export function applyNat(skb: Skb, { entry, direction }: ConntrackInfo, manip: "src" | "dst"): void {
  if (!applies(entry, direction, manip)) return;
  const other = opposite(direction);
  const end = otherEnd(manip);
  const packet = withEnd(skb.packet, manip, entry.addressOf(other, end), entry.portOf(other, end));
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
  const isRedirect = transport.type === (transport.protocol === "icmp" ? 5 : 137);
  if (isRedirect && (!(nat.dstDone && nat.srcDone) || nat.src || nat.dst)) {
    return false;
  }
  if (!applies(entry, direction, manip)) return true;
  const other = opposite(direction);
  const end = otherEnd(manip);
  const address = entry.addressOf(other, end);
  const quoted = withEnd(transport.quoted, end, address, entry.portOf(other, end));
  replacePacket(skb, { ...packet, [manip]: address, transport: { ...transport, quoted } }, manip);
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
