import type { Found, TupleTable } from "./hash-table.ts";
import type { TupleKey } from "./tuple-key.ts";

/**
 * What `-j CT` says before conntrack looks: the zone of each direction. Tuples of different zones are different
 * (struct nf_conntrack_zone); 0 is everybody's.
 */
export interface ConntrackZone {
  readonly original: number;
  readonly reply: number;
  /** These directions are in the zone that the packet's mark says when conntrack looks (NF_CT_FLAG_MARK). */
  readonly ofMark?: "both" | "orig" | "reply";
}

/** The zone of a packet with this mark: nf_ct_zone_tmpl(). */
export function zoneFor(zone: ConntrackZone, mark: number): ConntrackZone {
  if (zone.ofMark === undefined) return zone;
  const id = mark & 0xffff;
  return { original: zone.ofMark === "reply" ? 0 : id, reply: zone.ofMark === "orig" ? 0 : id };
}

/** Zones that fit beside the rest of a tuple; Linux takes twice as many. */
export const mostZone = 0x7fff;

/**
 * The connection of a packet in its zone: what opens one is looked for in the zone of originals, an answer in that of
 * replies. Leaves the key in the former. resolve_normal_ct().
 */
export function findInZone(table: TupleTable, key: TupleKey, zone: ConntrackZone | undefined): Found | undefined {
  if (zone === undefined) return table.findKey(key);
  const { original, reply } = zone;
  const found = table.findKey(key.inZone(original));
  if (original === reply || found?.direction === "original") return found;
  const answered = table.findKey(key.inZone(reply));
  key.inZone(original);
  return answered?.direction === "reply" ? answered : undefined;
}
