import { icmpEchoType } from "../../trace/packet-record.ts";
import type { Address } from "../../wire/address.ts";
import type { Packet } from "../../wire/packet.ts";
import type { Tuple } from "./entry.ts";

/** The tuple of a packet; undefined for ICMP messages that no connection is made of. nf_ct_get_tuple(). */
export function tupleOf(packet: Packet): Tuple | undefined {
  const { src, dst, transport } = packet;
  switch (transport.protocol) {
    case "tcp":
    case "udp":
    case "sctp":
      return {
        protocol: transport.protocol,
        number: undefined,
        src,
        dst,
        srcPort: transport.srcPort,
        dstPort: transport.dstPort,
        icmpType: undefined,
      };
    case "icmp":
    case "icmpv6":
      if (transport.kind !== "echo-request" && transport.kind !== "echo-reply") return undefined;
      return {
        protocol: transport.protocol,
        number: undefined,
        src,
        dst,
        srcPort: transport.ident,
        dstPort: transport.ident,
        icmpType: icmpEchoType(transport.protocol, transport.kind),
      };
    case "other":
      return {
        protocol: "other",
        number: transport.number,
        src,
        dst,
        srcPort: 0,
        dstPort: 0,
        icmpType: undefined,
      };
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
export function hashTuple(tuple: Tuple): number {
  const ports = (tuple.srcPort << 16) | tuple.dstPort;
  return finish(Math.imul(fold(tuple.src), 0x9e3779b1) ^ Math.imul(fold(tuple.dst) ^ ports, 0x85ebca77) ^ ports);
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
