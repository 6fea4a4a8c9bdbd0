import type { HookName } from "../../trace/records.ts";
import type { Chance } from "../chance.ts";
import type { HookEntry, HookState, HookVerdict } from "../netfilter.ts";
import type { Connection } from "./connection.ts";
import type { TupleTable } from "./hash-table.ts";
import { applyNat, translateError } from "./manip.ts";
import { formatEnd } from "./record.ts";
import type { NatRange } from "./table.ts";
import { TupleKey, writeReply } from "./tuple-key.ts";
import { makeUnique } from "./unique-tuple.ts";

export type NatHook = Exclude<HookName, "FORWARD">;

/** What a nat hook rewrites: the destination on the way in, the source on the way out (HOOK2MANIP). */
export function manipAt(hook: HookName): "src" | "dst" {
  return hook === "POSTROUTING" || hook === "INPUT" ? "src" : "dst";
}

/**
 * A nat hook function: asks the tables once per connection and end, binds what they left alone to itself, and
 * rewrites the packet by its connection's bindings. nf_nat_inet_fn().
 */
export function runNat(state: HookState, tables: readonly HookEntry[], table: TupleTable, chance: Chance): HookVerdict {
  const { skb } = state;
  const { conntrack } = skb;
  if (conntrack === undefined) return "accept";
  const manip = manipAt(state.hook);
  const { transport } = skb.packet;
  if (conntrack.state === "related" && "kind" in transport && transport.kind === "error") {
    if (translateError(skb, conntrack, manip)) return "accept";
    skb.track?.step({
      kind: "drop",
      code: "NAT_REDIRECT",
      kernelReason: "NETFILTER_DROP",
      text: "A redirect about a translated connection would name the wrong addresses: it is dropped.",
    });
    return "drop";
  }
  const { entry } = conntrack;
  if (conntrack.state !== "established" && !entry.isSettled(manip)) {
    for (const natTable of tables) {
      const verdict = natTable.run(state);
      if (verdict !== "accept") return verdict;
      if (entry.isSettled(manip)) break;
    }
    if (!entry.isSettled(manip)) bindToItself(state, entry, manip, table, chance);
  }
  applyNat(skb, conntrack, manip);
  return "accept";
}

/**
 * No rule wanted this end: it stays as it is, unless its source port would clash with another connection's
 * (nf_nat_alloc_null_binding). A destination without a stated port never changes, so that is settled at once.
 */
function bindToItself(
  state: HookState,
  entry: Connection,
  manip: "src" | "dst",
  table: TupleTable,
  chance: Chance,
): void {
  if (entry.confirmed) return;
  if (manip === "dst") {
    entry.settle("dst", false);
    return;
  }
  if (!table.hasReplyOf(entry)) {
    entry.settle("src", false);
    return;
  }
  bind(
    state,
    entry,
    "src",
    { address: entry.addressOf("reply", "dst"), randomPort: "no", persistent: false },
    table,
    chance,
  );
}

/** Settles one end of the packet's connection: nf_nat_setup_info(). */
export function bind(
  state: HookState,
  entry: Connection,
  manip: "src" | "dst",
  range: NatRange,
  table: TupleTable,
  chance: Chance,
): void {
  if (entry.confirmed || entry.isSettled(manip)) return;
  const { skb, namespace } = state;
  const { page, row } = entry;
  const tuple = new TupleKey().ofRow(page, row, "reply").invert();
  const from = skb.track && formatEnd(tuple.toTuple(), manip);
  makeUnique(tuple, manip, range, { table, chance, namespace, flowKey: skb.flowKey });
  const to = skb.track && formatEnd(tuple.toTuple(), manip);
  const changed = !tuple.invert().is(page, row, "reply");
  entry.settle(manip, changed);
  if (changed) writeReply(page, row, tuple);
  if (from !== undefined && to !== undefined) {
    skb.track?.step({ kind: "nat", manip, action: changed ? "bind" : "none", from, to });
  }
}
