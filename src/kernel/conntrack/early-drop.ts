import type { Chance } from "../chance.ts";
import type { TupleTable } from "./hash-table.ts";
import type { ConntrackSettings } from "./settings.ts";

/** NF_CT_EVICTION_RANGE. */
const bucketsSearched = 8;

/**
 * Makes room for a new connection in a full table; false when there is none. What has expired goes. Else the kernel
 * looks into eight buckets of its hash table, which the new connection's hash chooses, for one that is not assured, and
 * ends it: the more of them there are, the likelier (each stands in two buckets). early_drop(), nf_conntrack_core.c.
 */
export function makeRoom(
  table: TupleTable,
  { max, buckets }: Pick<ConntrackSettings, "max" | "buckets">,
  chance: Chance,
  id: string,
): boolean {
  table.purge();
  if (table.size < max) return true;
  const loose = table.entries().filter(({ assured }) => !assured);
  const none = (1 - Math.min(1, bucketsSearched / buckets)) ** (2 * loose.length);
  if (loose.length === 0 || chance.choose(id, [none, 1 - none]) === 0) return false;
  const victim = loose[chance.integer(`${id}/which`, loose.length)];
  if (victim !== undefined) table.delete(victim);
  return true;
}
