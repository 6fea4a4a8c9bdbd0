import type { HookName } from "../../trace/records.ts";
import type { Chance } from "../chance.ts";
import type { NetworkNamespace } from "../namespace.ts";
import type { HookEntry, HookState, HookVerdict } from "../netfilter.ts";
import type { Connection } from "./connection.ts";
import type { TupleTable } from "./hash-table.ts";
import { applyNat, translateError } from "./manip.ts";
import { formatEnd } from "./record.ts";
import type { NatRange } from "./table.ts";
import { TupleKey, writeReply } from "./tuple-key.ts";
import { type TupleChoice, makeUnique } from "./unique-tuple.ts";

export type NatHook = Exclude<HookName, "FORWARD">;

/** What a nat hook rewrites: the destination on the way in, the source on the way out (HOOK2MANIP). */
export function manipAt(hook: HookName): "src" | "dst" {
  return hook === "POSTROUTING" || hook === "INPUT" ? "src" : "dst";
}

/** The translation of addresses in one namespace: nf_nat_core.c. */
export class Nat implements TupleChoice {
  readonly table: TupleTable;
  readonly #namespace: NetworkNamespace;
  /** The tuple of the connection at hand. */
  readonly #tuple = new TupleKey();

  constructor(namespace: NetworkNamespace, table: TupleTable) {
    this.#namespace = namespace;
    this.table = table;
  }

  get chance(): Chance {
    return this.#namespace.surroundings.chance;
  }

  /**
   * A nat hook function: asks the tables once per connection and end, binds what they left alone to itself, and
   * rewrites the packet by its connection's bindings. nf_nat_inet_fn().
   */
  run(state: HookState, tables: readonly HookEntry[]): HookVerdict {
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
      if (!entry.isSettled(manip)) this.#bindToItself(state, entry, manip);
    }
    applyNat(skb, conntrack, manip);
    return "accept";
  }

  /**
   * No rule wanted this end: it stays as it is, unless its source port would clash with another connection's
   * (nf_nat_alloc_null_binding). A destination without a stated port never changes, so that is settled at once.
   */
  #bindToItself(state: HookState, entry: Connection, manip: "src" | "dst"): void {
    if (entry.confirmed) return;
    if (manip === "dst") {
      entry.settle("dst", false);
      return;
    }
    if (!this.table.hasReplyOf(entry)) {
      entry.settle("src", false);
      return;
    }
    this.bind(state, entry, "src", {
      address: entry.addressOf("reply", "dst"),
      randomPort: "no",
      persistent: false,
    });
  }

  /** Settles one end of the packet's connection: nf_nat_setup_info(). */
  bind(state: HookState, entry: Connection, manip: "src" | "dst", range: NatRange): void {
    if (entry.confirmed || entry.isSettled(manip)) return;
    const { track } = state.skb;
    const { page, row } = entry;
    const tuple = this.#tuple.ofRow(page, row, "reply").invert();
    const from = track && formatEnd(tuple.toTuple(), manip);
    makeUnique(tuple, manip, range, this, state);
    const to = track && formatEnd(tuple.toTuple(), manip);
    const changed = !tuple.invert().is(page, row, "reply");
    entry.settle(manip, changed);
    if (changed) writeReply(page, row, tuple);
    if (from !== undefined && to !== undefined) {
      track?.step({ kind: "nat", manip, action: changed ? "bind" : "none", from, to });
    }
  }
}
