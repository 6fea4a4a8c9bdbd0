import type { HookName } from "../../trace/records.ts";
import type { Family } from "../../wire/address.ts";
import type { HookEntry } from "../netfilter.ts";
import type { ConntrackEntry, Tuple } from "./entry.ts";

/**
 * The connections of one namespace. Nothing is tracked, and the nat hooks do not run, until somebody requires
 * it (a rule with a conntrack match or a NAT target), as in the kernel.
 */
export interface Conntrack {
  readonly required: boolean;
  /** Registers the conntrack, nat and confirm hook functions of both families, once. */
  require(): void;
  /** The entry one of whose tuples equals this one; expired entries are gone. */
  find(tuple: Tuple): { readonly entry: ConntrackEntry; readonly direction: "original" | "reply" } | undefined;
  entries(): readonly ConntrackEntry[];
  delete(entry: ConntrackEntry): void;
  flush(): void;
  /** Adds a nat table: asked for the first packet of a connection only (nf_nat_inet_fn). */
  registerNat(family: Family, hook: Exclude<HookName, "FORWARD">, entry: HookEntry): void;
}
