import type { Family } from "../../wire/address.ts";
import { defragmentHook } from "../ip/reassemble.ts";
import type { NetworkNamespace } from "../namespace.ts";
import { type HookEntry, priorities } from "../netfilter.ts";
import { confirm } from "./confirm.ts";
import { conntrackSettings } from "./settings.ts";
import { TupleTable } from "./hash-table.ts";
import { Nat, type NatHook, manipAt } from "./nat.ts";
import type { Conntrack } from "./table.ts";
import { Tracker } from "./track.ts";
import { mostZone, zoneFor } from "./zone.ts";

const families: readonly Family[] = ["ipv4", "ipv6"];
const natHooks: readonly NatHook[] = ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"];

/** Connection tracking and NAT of one namespace. Nothing is registered before somebody requires it. */
export function createConntrack(ns: NetworkNamespace): Conntrack {
  const nowNanos = (): number => ns.surroundings.clock.nowNanos();
  const table = new TupleTable(nowNanos);
  const nat = new Nat(ns, table);
  const tracker = new Tracker(table, nowNanos, conntrackSettings(ns.sysctls));
  const natTables: Record<Family, Record<NatHook, HookEntry[]> | undefined> = { ipv4: undefined, ipv6: undefined };
  const required = new Set<Family>();

  function require(family: Family): void {
    if (required.has(family)) return;
    required.add(family);
    const track: HookEntry = {
      name: "conntrack",
      priority: priorities.conntrack,
      run: (state) => {
        const { skb } = state;
        if (skb.zone !== undefined) {
          skb.zone = zoneFor(skb.zone, skb.mark);
          if (Math.max(skb.zone.original, skb.zone.reply) > mostZone) {
            skb.track?.verdict("unknown");
            return "unknown";
          }
        }
        const verdict = tracker.track(state);
        // The template has served.
        skb.zone = undefined;
        return verdict;
      },
    };
    const last: HookEntry = {
      name: "confirm",
      priority: priorities.confirm,
      run: (state) => confirm(table, nowNanos(), state),
    };
    for (const hook of ["PREROUTING", "OUTPUT"] as const) {
      ns.hooks.register(family, hook, defragmentHook());
      ns.hooks.register(family, hook, track);
    }
    for (const hook of ["INPUT", "POSTROUTING"] as const) ns.hooks.register(family, hook, last);
  }

  /** All four hooks at once, whichever hook a table was registered for (nf_nat_register_fn). */
  function requireNat(family: Family): Record<NatHook, HookEntry[]> {
    const known = natTables[family];
    if (known !== undefined) return known;
    const tables: Record<NatHook, HookEntry[]> = { PREROUTING: [], INPUT: [], OUTPUT: [], POSTROUTING: [] };
    natTables[family] = tables;
    for (const hook of natHooks) {
      const own = tables[hook];
      ns.hooks.register(family, hook, {
        name: "nat",
        priority: manipAt(hook) === "src" ? priorities.natSrc : priorities.natDst,
        run: (state) => nat.run(state, own),
      });
    }
    return tables;
  }

  return {
    isRequired: (family) => required.has(family),
    require: (...wanted) => {
      for (const family of wanted.length > 0 ? wanted : families) require(family);
    },
    find: (tuple) => table.find(tuple),
    entries: () => table.entries(),
    delete: (entry) => table.delete(entry),
    flush: () => table.clear(),
    registerNat(family, hook, entry) {
      const tables = requireNat(family)[hook];
      const at = tables.findIndex((other) => other.priority > entry.priority);
      tables.splice(at < 0 ? tables.length : at, 0, entry);
    },
    setupNat(state, manip, range) {
      const entry = state.skb.conntrack?.entry;
      if (entry === undefined) return "drop";
      nat.bind(state, entry, manip, range);
      return "accept";
    },
  };
}
