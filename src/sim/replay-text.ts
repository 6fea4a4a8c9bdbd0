import type { PacketRecord } from "../trace/records.ts";

/** A packet as the kernel cases write it. `sized` adds length and DF, as the cases about MTUs do. */
export function packetText(packet: PacketRecord, sized: boolean): string {
  const { fragment } = packet;
  if (fragment !== undefined && fragment.offset > 0) {
    return `fragment ${packet.protocol} len=${packet.length} frag=${fragment.offset}${fragment.more ? " +" : ""}`;
  }
  const words = [`${end(packet.src, packet.srcPort)}>${end(packet.dst, packet.dstPort)}`, ...contents(packet)];
  const { inner, vni } = packet;
  const isIpip = packet.protocol === "4";
  if (inner !== undefined && vni === undefined && !isIpip) words.push(`about(${packetText(inner, sized)})`);
  words.push(`ttl=${packet.ttl}`);
  if (sized) words.push(`len=${packet.length}`);
  if (sized && packet.dontFragment === true && !packet.src.includes(":")) words.push("df");
  if (fragment !== undefined) words.push(`frag=${fragment.offset}${fragment.more ? "+" : ""}`);
  if (packet.mtu !== undefined) words.push(`mtu=${packet.mtu}`);
  if (vni !== undefined && inner !== undefined) {
    words.push(`vxlan(${vni} ${macsText(inner)} ${packetText(inner, sized)})`);
  }
  if (isIpip && inner !== undefined) words.push(`ipip(${packetText(inner, sized)})`);
  return words.join(" ");
}

/** `source>destination` MAC addresses; a later fragment's were not recorded. */
export function macsText({ srcMac, dstMac, fragment }: PacketRecord): string {
  return fragment !== undefined && fragment.offset > 0 ? "*>*" : `${srcMac ?? noMac}>${dstMac ?? noMac}`;
}

const noMac = "00:00:00:00:00:00";

function end(address: string, port: number | undefined): string {
  const host = address.includes(":") ? `[${address}]` : address;
  return port === undefined ? host : `${host}:${port}`;
}

function contents(packet: PacketRecord): string[] {
  switch (packet.protocol) {
    case "tcp":
      return ["tcp", packet.flags ?? ""];
    case "sctp":
      return ["sctp", packet.chunks ?? ""];
    case "icmp":
      return ["icmp", `${packet.icmpType}/${packet.icmpCode}`];
    case "icmpv6":
      return ["icmp6", `${packet.icmpType}/${packet.icmpCode}`];
    default:
      return [packet.protocol];
  }
}
