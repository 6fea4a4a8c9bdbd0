import type { Packet } from "../../wire/packet.ts";
import type { ConntrackInfo } from "../skb.ts";
import type { TupleTable } from "./hash-table.ts";
import { TupleKey } from "./tuple-key.ts";
import { invert, tupleOf } from "./tuple.ts";
import { type ConntrackZone, findInZone } from "./zone.ts";

/**
 * The connection an ICMP error is about: the one of the packet it quotes, in the direction in which the error
 * travels. Undefined, and so INVALID, when there is none or when the error is addressed to somebody who does not
 * take part in it. nf_conntrack_inet_error().
 */
export function relatedTo(
  table: TupleTable,
  packet: Packet,
  quoted: Packet,
  zone: ConntrackZone | undefined,
): ConntrackInfo | undefined {
  const about = tupleOf(quoted);
  if (about === undefined) return undefined;
  const found = findInZone(table, new TupleKey().ofTuple(invert(about)), zone);
  if (found === undefined || found.entry[found.direction].dst !== packet.dst) return undefined;
  return { entry: found.entry, direction: found.direction, state: "related" };
}
