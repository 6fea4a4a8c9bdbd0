import { icmpEchoType } from "../../trace/packet-record.ts";
import type { Address } from "../../wire/address.ts";
import type { Packet } from "../../wire/packet.ts";
import type { Tuple } from "./entry.ts";

/** The tuple of these ends; for ICMP echo both ports are the identifier. */
export function makeTuple(
  protocol: Tuple["protocol"],
  src: Address,
  dst: Address,
  srcPort: number,
  dstPort: number,
  icmpType?: number,
  number?: number,
): Tuple {
  return { protocol, number, src, dst, srcPort, dstPort, icmpType };
}

/** The tuple of a packet; undefined for ICMP messages that no connection is made of. nf_ct_get_tuple(). */
export function tupleOf(packet: Packet): Tuple | undefined {
  const { src, dst, transport } = packet;
  switch (transport.protocol) {
    case "tcp":
    case "udp":
    case "sctp":
      return makeTuple(transport.protocol, src, dst, transport.srcPort, transport.dstPort);
    case "icmp":
    case "icmpv6": {
      if (transport.kind !== "echo-request" && transport.kind !== "echo-reply") return undefined;
      const { protocol, kind, ident } = transport;
      return makeTuple(protocol, src, dst, ident, ident, icmpEchoType(protocol, kind));
    }
    case "other":
      return makeTuple("other", src, dst, 0, 0, undefined, transport.number);
  }
}

/** The tuple that answers have. */
export function invert({ protocol, number, src, dst, srcPort, dstPort, icmpType }: Tuple): Tuple {
  const type = icmpType === undefined ? undefined : invertIcmpType(icmpType);
  return makeTuple(protocol, dst, src, dstPort, srcPort, type, number);
}

function invertIcmpType(type: number): number {
  switch (type) {
    case 8:
      return 0;
    case 0:
      return 8;
    case 128:
      return 129;
    case 129:
      return 128;
    default:
      return type;
  }
}

export function equalTuples(a: Tuple, b: Tuple): boolean {
  return (
    a.srcPort === b.srcPort &&
    a.dstPort === b.dstPort &&
    a.src === b.src &&
    a.dst === b.dst &&
    a.protocol === b.protocol &&
    a.icmpType === b.icmpType &&
    a.number === b.number
  );
}
