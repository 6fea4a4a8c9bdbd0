import type { Owner, StateChange } from "../trace/records.ts";
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
  /** Addresses that a device answers for though they live elsewhere: `ip neigh add proxy`. */
  readonly proxies: ReadonlySet<string>;
  setProxy(device: string, address: Address, on: boolean): void;
  isProxy(device: string, address: Address): boolean;
  entries(): readonly Neighbour[];
  /** Forgets all entries of a device. */
  flush(device: string): void;
  /**
   * Somebody on the link said which MAC address has (neigh_update). `create`: also for an address not asked
   * about; `solicited`: it answers our question, so it is surely reachable; `override`: whoever had it before has
   * it no more, while another answer that comes within the lock time of the last is not believed (ARP's locktime).
   */
  learn(
    device: string,
    address: Address,
    mac: Mac,
    options: { readonly create: boolean; readonly solicited: boolean; readonly override: boolean },
  ): StateChange | undefined;
  /** The MAC when it is surely right and was used before (NUD_CONNECTED with a cached header). */
  connected(device: string, address: Address): Mac | undefined;
  /** Whether a packet of this flow key still waits here for a link address. */
  holds(flowKey: string): boolean;
  /** Whether the link address is known (NUD_VALID); if not, it is asked for. */
  validOrAsk(device: string, address: Address, skb: Skb): boolean;
  /** The MAC to send a frame to, when it is known and may be used as it is. */
  usable(device: string, address: Address): Mac | undefined;
  /**
   * Calls `send` with the MAC, at once when it is known and otherwise when it has been resolved.
   * `failed` runs when nobody answered three solicitations.
   */
  resolve(device: string, address: Address, skb: Skb, send: (mac: Mac) => void, failed: () => void): void;
}
