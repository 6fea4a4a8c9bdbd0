import { packetAt } from "../trace/recorder.ts";
import type { Hop, PacketRecord } from "../trace/records.ts";

/** One header field before and after a step. */
export interface FieldRow {
  readonly field: keyof PacketRecord;
  readonly label: string;
  readonly before: string;
  readonly after: string;
  readonly changed: boolean;
}

export interface LayerRows {
  readonly layer: string;
  readonly rows: readonly FieldRow[];
}

const layers: readonly (readonly [string, readonly (readonly [keyof PacketRecord, string])[]])[] = [
  [
    "Ethernet",
    [
      ["srcMac", "from"],
      ["dstMac", "to"],
    ],
  ],
  [
    "IP",
    [
      ["src", "from"],
      ["dst", "to"],
      ["ttl", "time to live"],
      ["length", "length"],
      ["dontFragment", "cutting"],
    ],
  ],
  [
    "Transport",
    [
      ["srcPort", "from port"],
      ["dstPort", "to port"],
      ["flags", "flags"],
      ["seq", "sequence"],
      ["ack", "acknowledges"],
      ["icmpType", "ICMP type"],
      ["icmpCode", "ICMP code"],
      ["ident", "identifier"],
      ["sequence", "sequence"],
      ["mtu", "largest size"],
    ],
  ],
  [
    "Content",
    [
      ["payload", "says"],
      ["vni", "VXLAN network"],
    ],
  ],
  ["In this kernel", [["mark", "mark"]]],
];

/** The packet before and after the step at `index` of a hop, layer by layer. */
export function packetRows(hop: Hop, index: number): readonly LayerRows[] {
  return diffRows(packetAt(hop, index), packetAt(hop, index + 1));
}

export function diffRows(before: PacketRecord, after: PacketRecord): readonly LayerRows[] {
  return layers
    .map(([layer, fields]) => ({
      layer: layer === "Transport" ? after.protocol.toUpperCase() : layer,
      rows: fields
        .filter(([field]) => before[field] !== undefined || after[field] !== undefined)
        .map(([field, label]) => {
          const [a, b] = [format(field, before), format(field, after)];
          return { field, label, before: a, after: b, changed: a !== b };
        }),
    }))
    .filter(({ rows }) => rows.length > 0);
}

const flagWords: Readonly<Record<string, string>> = { F: "FIN", S: "SYN", R: "RST", P: "PSH", A: "ACK", U: "URG" };

function format(field: keyof PacketRecord, packet: PacketRecord): string {
  const value = packet[field];
  if (value === undefined) return "";
  if (field === "flags") return [...String(value)].map((letter) => flagWords[letter] ?? letter).join(" ");
  if (field === "mark") return `0x${Number(value).toString(16)}`;
  if (field === "dontFragment") return value === true ? "forbidden" : "allowed";
  if (field === "length") return `${Number(value)} bytes`;
  return typeof value === "object" ? "" : String(value);
}

/** `10.244.0.3:40004 → 10.96.0.11:80`. */
export function endsOf(packet: PacketRecord): string {
  return `${end(packet.src, packet.srcPort)} → ${end(packet.dst, packet.dstPort)}`;
}

function end(address: string, port: number | undefined): string {
  if (port === undefined) return address;
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
