import { type Packet, headerBytes, packetBytes, transportHeaderBytes } from "../../wire/packet.ts";
import type { Device } from "../device.ts";
import type { NetworkNamespace } from "../namespace.ts";
import type { Skb } from "../skb.ts";
import { transmit } from "../transmit.ts";

/**
 * Cuts a packet into fragments of at most `mtu` bytes and sends each. False when it fits as it is.
 * ip_do_fragment(); RFC 791, section 3.2.
 */
export function transmitFragments(
  ns: NetworkNamespace,
  device: Device,
  skb: Skb,
  mtu: number,
  send: (piece: Skb) => void = (piece) => transmit(ns, device, piece),
): boolean {
  if (packetBytes(skb.packet) <= mtu) return false;
  const pieces = fragment(skb.packet, mtu);
  const { track } = skb;
  track?.step({
    kind: "device",
    action: "fragment",
    device: device.name,
  });
  const datagram = skb.datagram ?? { packet: skb.packet, track };
  for (const packet of pieces) {
    const piece: Skb = { ...skb, packet, datagram, fragMaxSize: undefined, track: track?.child("fragment") };
    piece.track?.enter(
      { namespace: ns.name, ...(ns.node !== undefined && { node: ns.node }) },
      {
        body: packet,
        mark: skb.mark,
        ...(skb.srcMac !== undefined && { srcMac: skb.srcMac }),
        ...(skb.dstMac !== undefined && { dstMac: skb.dstMac }),
      },
    );
    send(piece);
  }
  return true;
}

/** The fragments of a packet; a fragment is cut further. Offsets are multiples of 8 bytes. */
export function fragment(packet: Packet, mtu: number): Packet[] {
  const { offset: start, more } = packet.fragment ?? { offset: 0, more: false };
  const header = headerBytes({ src: packet.src, fragment: { offset: start, more } });
  const room = Math.max(8, (mtu - header) & ~7);
  const total = packetBytes(packet) - headerBytes(packet);
  const pieces: Packet[] = [];
  for (let at = 0; at < total; at += room) {
    const bytes = Math.min(room, total - at);
    const offset = start + at;
    const inTransport = offset === 0 ? Math.min(bytes, transportHeaderBytes(packet.transport)) : 0;
    pieces.push({
      ...packet,
      dontFragment: false,
      fragment: { offset, more: more || at + bytes < total },
      payload: { kind: "bytes", length: bytes - inTransport },
    });
  }
  return pieces;
}
