import { icmpEchoType } from "../../trace/packet-record.ts";
import type { Address } from "../../wire/address.ts";
import type { Packet } from "../../wire/packet.ts";
import type { Tuple, TupleNode } from "./entry.ts";

/** Makes a tuple that can go into the table; all have one shape. */
export function makeTuple(
  protocol: Tuple["protocol"],
  src: Address,
  dst: Address,
  srcPort: number,
  dstPort: number,
  icmpType?: number,
  number?: number,
): TupleNode {
  return {
    protocol,
    number,
    src,
    dst,
    srcPort,
    dstPort,
    icmpType,
    hash: hashEnds(src, dst, srcPort, dstPort),
    entry: undefined,
    direction: "original",
    next: undefined,
  };
}

/** The tuple of a packet; undefined for ICMP messages that no connection is made of. nf_ct_get_tuple(). */
export function tupleOf(packet: Packet): TupleNode | undefined {
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
export function invert({ protocol, number, src, dst, srcPort, dstPort, icmpType }: Tuple): TupleNode {
  return makeTuple(protocol, dst, src, dstPort, srcPort, invertIcmpType(icmpType), number);
}

function invertIcmpType(type: number | undefined): number | undefined {
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

/** A 32-bit hash over addresses and ports; the protocol is left to the comparison. */
export function hashEnds(src: Address, dst: Address, srcPort: number, dstPort: number): number {
  const ports = (srcPort << 16) | dstPort;
  return finish(Math.imul(fold(src), 0x9e3779b1) ^ Math.imul(fold(dst) ^ ports, 0x85ebca77) ^ ports);
}

/** The same over the source alone: connections of one client port meet in one bucket (hash_by_src). */
export function hashSource(tuple: Tuple): number {
  return finish(Math.imul(fold(tuple.src), 0x9e3779b1) ^ tuple.srcPort);
}

function fold(address: Address): number {
  if (typeof address === "number") return address | 0;
  return Number(BigInt.asIntN(32, address)) ^ Number(BigInt.asIntN(32, address >> 64n));
}

function finish(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  return h ^ (h >>> 13);
}
