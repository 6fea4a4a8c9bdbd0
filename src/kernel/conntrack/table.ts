import type { HookName } from "../../trace/records.ts";
import type { Family } from "../../wire/address.ts";
import type { Address } from "../../wire/address.ts";
import type { HookEntry, HookState, HookVerdict } from "../netfilter.ts";
import type { Connection } from "./connection.ts";
import type { Tuple } from "./entry.ts";

/** What a NAT target asks for (struct nf_nat_range2). Absent fields stay as they are in the packet. */
export interface NatRange {
  readonly address?: Address;
  /** End of a range of addresses. */
  readonly lastAddress?: Address;
  readonly port?: number;
  /** End of a range of ports. */
  readonly lastPort?: number;
  /** Of a destination: as far as the port is behind this one, the new one is behind the first of the range. */
  readonly basePort?: number;
  readonly randomPort: "no" | "random" | "random-fully";
  readonly persistent: boolean;
}

/**
 * The connections of one namespace. Nothing is tracked, and the nat hooks do nothing, until somebody requires
 * it for a family (a rule with a conntrack match or a NAT target), as in the kernel: nf_ct_netns_get().
 */
export interface Conntrack {
  isRequired(family: Family): boolean;
  /** Registers the hook functions that track and confirm, once; for both families where none is given. */
  require(...families: readonly Family[]): void;
  /** The entry one of whose tuples equals this one; expired entries are gone. */
  find(tuple: Tuple): { readonly entry: Connection; readonly direction: "original" | "reply" } | undefined;
  entries(): readonly Connection[];
  delete(entry: Connection): void;
  flush(): void;
  /** Adds a nat table: asked for the first packet of a connection only (nf_nat_inet_fn). */
  registerNat(family: Family, hook: Exclude<HookName, "FORWARD">, entry: HookEntry): void;
  /**
   * Settles one manipulation of the packet's connection (nf_nat_setup_info), for DNAT, SNAT, MASQUERADE and
   * REDIRECT. The packet itself is rewritten after the nat table has run. A range without a free tuple shows when
   * the connection is confirmed. `drop` for a packet without a connection.
   */
  setupNat(state: HookState, manip: "dst" | "src", range: NatRange): HookVerdict;
}
