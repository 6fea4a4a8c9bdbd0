import type { StateChange } from "../trace/records.ts";
import { type Address, formatAddress } from "../wire/address.ts";
import { maskedBits } from "./addresses.ts";
import type { RecentMatch } from "./matches/recent.ts";

/** Entries a list holds (ip_list_tot), and times an entry remembers (ip_pkt_list_tot, rounded up to a power of two). */
const maxEntries = 100;
const maxStamps = 32;

interface RecentEntry {
  /** When it was seen, oldest first. */
  readonly stampsNanos: number[];
  ttl: number;
}

/** One list of xt_recent: /proc/net/xt_recent/NAME. */
export class RecentList {
  readonly name: string;
  /** Of the first rule that used the list: the masks of the others count for nothing. */
  #mask: { readonly bits: Address | undefined } | undefined;
  /** In the order in which they were last seen, oldest first. */
  readonly #entries = new Map<Address, RecentEntry>();

  constructor(name: string) {
    this.name = name;
  }

  /** Addresses and when they were last seen, oldest first. */
  entries(): readonly { readonly address: Address; readonly lastSeenNanos: number }[] {
    return [...this.#entries].map(([address, { stampsNanos }]) => ({
      address,
      lastSeenNanos: stampsNanos.at(-1) ?? 0,
    }));
  }

  clear(): void {
    this.#entries.clear();
  }

  /** What writing `+ADDRESS` to the list's file does; the TTL then fits any packet. */
  see(address: Address, nowNanos: number): void {
    const entry = this.#entries.get(address);
    if (entry === undefined) this.#add(address, 0, nowNanos);
    else this.#touch(address, entry, 0, nowNanos);
  }

  /** What writing `-ADDRESS` does. */
  forget(address: Address): void {
    this.#entries.delete(address);
  }

  /** recent_mt (net/netfilter/xt_recent.c). */
  check(
    match: RecentMatch,
    unmasked: Address,
    ttl: number,
    nowNanos: number,
    note: ((change: StateChange) => void) | undefined,
  ): boolean {
    const { bits } = (this.#mask ??= { bits: match.mask });
    const address = bits === undefined ? unmasked : maskedBits(unmasked, bits);
    const found = this.#entries.get(address);
    const entry =
      found !== undefined && match.rttl === true && found.ttl !== ttl && found.ttl !== 0 ? undefined : found;
    if (entry === undefined) {
      if (match.action !== "set") return match.inverted;
      this.#add(address, ttl, nowNanos);
      note?.(this.#change("add", address));
      return !match.inverted;
    }
    switch (match.action) {
      case "set":
        this.#touch(address, entry, ttl, nowNanos);
        note?.(this.#change("update", address));
        return !match.inverted;
      case "remove":
        this.#entries.delete(address);
        note?.(this.#change("delete", address));
        return !match.inverted;
      case "rcheck":
      case "update": {
        const since = match.seconds === undefined ? Number.NEGATIVE_INFINITY : nowNanos - match.seconds * 1e9;
        const hits = entry.stampsNanos.filter((stamp) => stamp >= since).length;
        const matched = hits >= (match.hitcount ?? 1) !== match.inverted;
        const updates = match.action === "update" && matched;
        if (match.reap === true) this.#reap(since, updates ? entry : undefined, note);
        if (updates) {
          this.#touch(address, entry, ttl, nowNanos);
          note?.(this.#change("update", address));
        }
        return matched;
      }
    }
  }

  #add(address: Address, ttl: number, nowNanos: number): void {
    const [oldest] = this.#entries.keys();
    if (this.#entries.size >= maxEntries && oldest !== undefined) this.#entries.delete(oldest);
    this.#entries.set(address, { stampsNanos: [nowNanos], ttl });
  }

  #touch(address: Address, entry: RecentEntry, ttl: number, nowNanos: number): void {
    entry.stampsNanos.push(nowNanos);
    if (entry.stampsNanos.length > maxStamps) entry.stampsNanos.shift();
    entry.ttl = ttl;
    this.#entries.delete(address);
    this.#entries.set(address, entry);
  }

  /** recent_entry_reap(): looks at the entry seen longest ago, and only at that. */
  #reap(since: number, updating: RecentEntry | undefined, note: ((change: StateChange) => void) | undefined): void {
    for (const [address, entry] of this.#entries) {
      if (entry === updating || (entry.stampsNanos.at(-1) ?? 0) >= since) return;
      this.#entries.delete(address);
      note?.(this.#change("delete", address));
      return;
    }
  }

  #change(action: StateChange["action"], address: Address): StateChange {
    return { table: "recent", action, key: `${this.name} ${formatAddress(address)}` };
  }
}

/** The lists of one namespace, made when a rule first names them. */
export class RecentLists {
  readonly #lists = new Map<string, RecentList>();

  list(name: string): RecentList {
    let list = this.#lists.get(name);
    if (list === undefined) this.#lists.set(name, (list = new RecentList(name)));
    return list;
  }

  lists(): readonly RecentList[] {
    return [...this.#lists.values()];
  }
}
