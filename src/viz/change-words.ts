import type { PacketRecord } from "../trace/records.ts";

/** The fields that make up an end of a conversation. */
const ends = [
  ["src", "srcPort", "source"],
  ["dst", "dstPort", "destination"],
] as const;

/** What became of a packet, in a few words: `destination 10.96.0.11:80 → 10.244.1.3:8080`, `mark 0x4000`, `ttl 63`. */
export function changeWords(before: PacketRecord, after: PacketRecord): string {
  const words: string[] = [];
  for (const [address, port, name] of ends) {
    const [from, to] = [endText(before[address], before[port]), endText(after[address], after[port])];
    if (from !== to) words.push(`${name} ${from} → ${to}`);
  }
  if (after.mark !== before.mark) words.push(`mark 0x${(after.mark ?? 0).toString(16)}`);
  if (after.ttl !== before.ttl && after.ttl !== undefined) words.push(`ttl ${after.ttl}`);
  return words.join(", ");
}

/** `10.244.0.3:40004`, `[fd00::3]:40004`, or an address alone. */
export function endText(address: string, port: number | undefined): string {
  if (port === undefined) return address;
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
