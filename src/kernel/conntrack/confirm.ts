import { nanosPerSecond } from "../clock.ts";
import type { HookState, HookVerdict } from "../netfilter.ts";
import type { Connection } from "./connection.ts";
import type { TupleTable } from "./hash-table.ts";
import { entryChange, recordConntrack } from "./record.ts";
import { equalTuples } from "./tuple.ts";

/** The last hook function of INPUT and POSTROUTING: the first packet got through, so its connection is real. */
export function confirm(table: TupleTable, nowNanos: number, { skb }: HookState): HookVerdict {
  const { conntrack } = skb;
  if (conntrack === undefined || conntrack.entry.confirmed || conntrack.direction !== "original") return "accept";
  const { entry } = conntrack;
  // A reset may have ended it on its way here.
  if (entry.dead) return "accept";
  const winner = table.rivalOf(entry);
  if (winner !== undefined && !resolveClash(table, nowNanos, entry, winner)) {
    skb.track?.step({
      kind: "drop",
      code: "CONNTRACK_CLASH",
      kernelReason: "NETFILTER_DROP",
      text: "Two packets made the same connection at once and this one came second: it is dropped (insert_failed).",
    });
    return "drop";
  }
  if (winner !== undefined && !entry.clash) {
    skb.conntrack = { entry: winner, direction: "original", state: winner.seenReply ? "established" : "new" };
    recordConntrack(skb, "clash", nowNanos);
    return "accept";
  }
  table.insert(entry);
  if (skb.track) recordConntrack(skb, "confirm", nowNanos, { change: entryChange("add", entry) });
  return "accept";
}

/**
 * Two connections want the same tuple (nf_ct_resolve_clash). UDP joins an equal one, or stays beside one whose
 * replies differ, for a second. Everything else loses the packet.
 */
function resolveClash(table: TupleTable, nowNanos: number, entry: Connection, winner: Connection): boolean {
  if (entry.original.protocol !== "udp") return false;
  const { nat } = winner;
  const sameOriginal = equalTuples(entry.original, winner.original);
  if (!nat.dstDone && !nat.srcDone) return true;
  if (sameOriginal && equalTuples(entry.reply, winner.reply)) return true;
  if (!sameOriginal || table.find(entry.reply) !== undefined) return false;
  entry.clash = true;
  entry.expiresAtNanos = nowNanos + nanosPerSecond;
  return true;
}
