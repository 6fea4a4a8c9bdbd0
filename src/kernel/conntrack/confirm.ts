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
  const winner = table.insertUnlessTaken(entry);
  if (winner === undefined) {
    if (skb.track) recordConntrack(skb, "confirm", nowNanos, { change: entryChange("add", entry) });
    return "accept";
  }
  switch (resolveClash(table, entry, winner)) {
    case "lose":
      skb.track?.step({
        kind: "drop",
        code: "CONNTRACK_CLASH",
        kernelReason: "NETFILTER_DROP",
        text: "Two packets made the same connection at once and this one came second: it is dropped (insert_failed).",
      });
      return "drop";
    case "join":
      skb.conntrack = { entry: winner, direction: "original", state: winner.seenReply ? "established" : "new" };
      recordConntrack(skb, "clash", nowNanos);
      return "accept";
    case "stay":
      entry.expiresAtNanos = nowNanos + nanosPerSecond;
      table.insertClash(entry);
      if (skb.track) recordConntrack(skb, "confirm", nowNanos, { change: entryChange("add", entry) });
      return "accept";
  }
}

/**
 * Two connections want the same tuple (nf_ct_resolve_clash). UDP joins an equal one, or stays beside one whose
 * replies differ, for a second. Everything else loses the packet.
 */
function resolveClash(table: TupleTable, entry: Connection, winner: Connection): "lose" | "join" | "stay" {
  if (entry.original.protocol !== "udp") return "lose";
  const { nat } = winner;
  const sameOriginal = equalTuples(entry.original, winner.original);
  if (!nat.dstDone && !nat.srcDone) return "join";
  if (sameOriginal && equalTuples(entry.reply, winner.reply)) return "join";
  return !sameOriginal || table.find(entry.reply) !== undefined ? "lose" : "stay";
}
