import type { Address } from "../wire/address.ts";
import { type IcmpError, type Packet, hasPorts } from "../wire/packet.ts";
import type { ConnectionEnds } from "./connection.ts";
import type { IpvsProtocol } from "./virtual-server.ts";

/** Addresses and ports of a packet that IPVS can balance. */
export function endsOf({
  src,
  dst,
  transport,
}: Packet): (ConnectionEnds & { readonly protocol: IpvsProtocol }) | undefined {
  if (!hasPorts(transport)) return undefined;
  const { protocol, srcPort, dstPort } = transport;
  return { protocol, src, srcPort, dst, dstPort };
}

export function reverse(ends: ConnectionEnds): ConnectionEnds {
  return { protocol: ends.protocol, src: ends.dst, srcPort: ends.dstPort, dst: ends.src, dstPort: ends.srcPort };
}

/** The ICMP error that a packet is, if it is one. */
export function errorOf({ transport }: Packet): IcmpError | undefined {
  return (transport.protocol === "icmp" || transport.protocol === "icmpv6") && transport.kind === "error"
    ? transport
    : undefined;
}

/** True for a packet that may begin a connection: tcp_conn_schedule(), sctp_conn_schedule(); any UDP datagram. */
export function opens({ transport }: Packet): boolean {
  switch (transport.protocol) {
    case "tcp":
      return transport.flags.syn === true && transport.flags.rst !== true;
    case "sctp":
      return transport.chunk === "init";
    default:
      return transport.protocol === "udp";
  }
}

export function withDestination(packet: Packet, dst: Address, dstPort: number): Packet {
  const { transport } = packet;
  return { ...packet, dst, ...(hasPorts(transport) && { transport: { ...transport, dstPort } }) };
}

export function withSource(packet: Packet, src: Address, srcPort: number): Packet {
  const { transport } = packet;
  return { ...packet, src, ...(hasPorts(transport) && { transport: { ...transport, srcPort } }) };
}
