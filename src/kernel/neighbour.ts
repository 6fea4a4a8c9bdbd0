import type { Owner } from "../trace/records.ts";
import type { Address } from "../wire/address.ts";
import type { Mac } from "../wire/mac.ts";
import type { Skb } from "./skb.ts";

/** An entry of the neighbour table as `ip neigh` shows it. */
export interface Neighbour {
  readonly device: string;
  readonly address: Address;
  mac?: Mac;
  state: "PERMANENT" | "NOARP" | "REACHABLE" | "STALE" | "DELAY" | "PROBE" | "INCOMPLETE" | "FAILED";
  readonly owner?: Owner;
}

/** The neighbours of one namespace, both families. */
export interface Neighbours {
  get(device: string, address: Address): Neighbour | undefined;
  /** Adds or replaces an entry. */
  set(neighbour: Neighbour): void;
  delete(device: string, address: Address): void;
  entries(): readonly Neighbour[];
  /**
   * Calls `send` with the MAC, at once when it is known and otherwise when it has been resolved.
   * `failed` runs when nobody answered three solicitations.
   */
  resolve(device: string, address: Address, skb: Skb, send: (mac: Mac) => void, failed: () => void): void;
}
