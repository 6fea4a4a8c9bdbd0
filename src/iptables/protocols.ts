import type { Transport } from "../wire/packet.ts";

/** Names that iptables prints for protocol numbers (its own list, then /etc/protocols of Debian). */
const names: Readonly<Record<number, string>> = {
  0: "all",
  1: "icmp",
  2: "igmp",
  4: "ipencap",
  6: "tcp",
  8: "egp",
  17: "udp",
  33: "dccp",
  41: "ipv6",
  46: "rsvp",
  47: "gre",
  50: "esp",
  51: "ah",
  58: "ipv6-icmp",
  88: "eigrp",
  89: "ospf",
  94: "ipip",
  103: "pim",
  108: "ipcomp",
  112: "vrrp",
  115: "l2tp",
  132: "sctp",
  135: "mobility-header",
  136: "udplite",
  137: "mpls-in-ip",
};

const aliases: Readonly<Record<string, number>> = { icmpv6: 58, mh: 135, "ipip-encap": 4 };

const numbers: ReadonlyMap<string, number> = new Map([
  ...Object.entries(names).map(([number, name]) => [name, Number(number)] as const),
  ...Object.entries(aliases),
]);

export function protocolName(number: number): string {
  return names[number] ?? String(number);
}

/** The number of a protocol given by name or number; undefined when there is none. */
export function protocolByName(text: string): number | undefined {
  if (/^\d+$/.test(text)) return Number(text) <= 255 ? Number(text) : undefined;
  return numbers.get(text.toLowerCase());
}

/** How a transport's protocol is named in messages. */
export function transportName(transport: Transport): string {
  return transport.protocol === "other" ? protocolName(transport.number) : transport.protocol;
}
