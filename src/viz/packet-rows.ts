import { packetAt } from "../trace/recorder.ts";
import type { Hop, PacketRecord } from "../trace/records.ts";
import { type LayerField, type PacketLayer, packetLayers } from "./packet-layers.ts";

/** One header field before and after a step. */
export interface FieldRow {
  readonly id: string;
  readonly label: string;
  readonly before: string;
  readonly after: string;
  readonly changed: boolean;
}

export interface LayerRows {
  readonly layer: string;
  readonly nested: boolean;
  readonly rows: readonly FieldRow[];
}

/** The packet before and after the step at `index` of a hop, layer by layer. */
export function packetRows(hop: Hop, index: number): readonly LayerRows[] {
  return diffRows(packetAt(hop, index), packetAt(hop, index + 1));
}

/** Fields with a value, in the order of the packet as it is after; what is there no longer comes last. */
export function diffRows(before: PacketRecord, after: PacketRecord): readonly LayerRows[] {
  const [old, now] = [aligned(packetLayers(before)), aligned(packetLayers(after))];
  const gone = [...old].filter(([name]) => !now.has(name)).map(([, layer]) => layer);
  return [...now.entries(), ...gone.map((layer) => [keyOf(layer), layer] as const)]
    .map(([key, layer]) => {
      const earlier = old.get(key)?.fields ?? [];
      const later = now.get(key)?.fields ?? [];
      const fields = [...later, ...earlier.filter((field) => !later.some((one) => same(one, field)))];
      const rows = fields
        .map((field) =>
          rowOf(
            field,
            earlier.find((one) => same(one, field)),
            later.find((one) => same(one, field)),
          ),
        )
        .filter((row) => row.before !== "" || row.after !== "");
      return { layer: layer.name, nested: layer.nested, rows };
    })
    .filter(({ rows }) => rows.length > 0);
}

function rowOf({ id, label }: LayerField, before: LayerField | undefined, after: LayerField | undefined): FieldRow {
  const [a, b] = [before?.value ?? "", after?.value ?? ""];
  return { id: after?.id ?? id, label, before: a, after: b, changed: a !== b };
}

function same(a: LayerField, b: LayerField): boolean {
  return a.label === b.label;
}

/** Layers by their name; the headers of a packet inside are others than those outside. */
function aligned(layers: readonly PacketLayer[]): ReadonlyMap<string, PacketLayer> {
  return new Map(layers.map((layer) => [keyOf(layer), layer]));
}

function keyOf({ name, nested }: PacketLayer): string {
  return `${nested ? "inner " : ""}${name}`;
}

/** `10.244.0.3:40004 → 10.96.0.11:80`. */
export function endsOf(packet: PacketRecord): string {
  return `${end(packet.src, packet.srcPort)} → ${end(packet.dst, packet.dstPort)}`;
}

function end(address: string, port: number | undefined): string {
  if (port === undefined) return address;
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
