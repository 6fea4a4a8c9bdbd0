import { type Address, compareAddresses } from "../wire/address.ts";
import { maskAddress } from "../wire/cidr.ts";
import type { Route } from "./fib.ts";

/** The routes of one prefix length. */
interface Level {
  readonly length: number;
  /** IPv4 netmask as a signed 32-bit number; unused in IPv6. */
  readonly mask: number;
  readonly routes: Map<number | bigint, Route[]>;
}

/** Tables of so many destinations or fewer are compared one by one: it costs less than a map. */
const mostCompared = 16;

/** The destinations of a small IPv4 table, the longest prefix first: base and mask of each, and its routes. */
interface Few {
  readonly blocks: Int32Array;
  readonly routes: readonly Route[][];
}

/**
 * One routing table. Routes are kept by prefix length and base, so a lookup costs one map access per prefix
 * length in use, however many routes there are.
 */
export class RoutingTable {
  /** Longest prefix first. */
  #levels: readonly Level[] = [];
  #count = 0;
  /** Made when it is next asked for; null: it is large, or of IPv6. */
  #few: Few | null | undefined;

  get size(): number {
    return this.#count;
  }

  /** `first`: before the others of its metric (`ip route prepend`). */
  add(route: Route, first = false): void {
    const { base, prefixLength } = route.destination;
    const { routes } = this.#level(prefixLength) ?? this.#addLevel(prefixLength);
    const key = keyOf(base);
    const same = routes.get(key) ?? [];
    const at = same.findIndex((other) => other.metric > route.metric || (first && other.metric === route.metric));
    same.splice(at < 0 ? same.length : at, 0, route);
    routes.set(key, same);
    this.#count++;
    this.#few = undefined;
  }

  #level(length: number): Level | undefined {
    return this.#levels.find((level) => level.length === length);
  }

  #addLevel(length: number): Level {
    const level: Level = { length, mask: length === 0 ? 0 : -1 << (32 - length), routes: new Map() };
    this.#levels = [...this.#levels, level].sort((a, b) => b.length - a.length);
    return level;
  }

  /** Removes the first route of that destination for which `matches` holds. */
  delete({ base, prefixLength }: Route["destination"], matches: (route: Route) => boolean): boolean {
    const level = this.#level(prefixLength);
    const key = keyOf(base);
    const same = level?.routes.get(key);
    const at = same?.findIndex(matches) ?? -1;
    if (level === undefined || same === undefined || at < 0) return false;
    same.splice(at, 1);
    this.#count--;
    this.#few = undefined;
    if (same.length === 0) level.routes.delete(key);
    if (level.routes.size === 0) this.#levels = this.#levels.filter((other) => other !== level);
    return true;
  }

  find({ base, prefixLength }: Route["destination"], matches: (route: Route) => boolean): Route | undefined {
    return this.#level(prefixLength)?.routes.get(keyOf(base))?.find(matches);
  }

  /**
   * The first route of the longest prefix that holds `address`, by metric, leaving by `outDevice` where given, and one
   * that `accept` takes where given.
   */
  lookup(address: Address, outDevice: string | undefined, accept?: (route: Route) => boolean): Route | undefined {
    if (accept !== undefined) return this.#lookupAccepted(address, accept);
    if (this.#few === undefined) this.#few = this.#makeFew();
    if (this.#few !== null && typeof address === "number" && outDevice === undefined) {
      const { blocks, routes } = this.#few;
      for (let i = 0; i < routes.length; i++) {
        if ((address & (blocks[2 * i + 1] as number)) === blocks[2 * i]) return routes[i]?.[0];
      }
      return undefined;
    }
    const levels = this.#levels;
    for (let i = 0; i < levels.length; i++) {
      const level = levels[i] as Level;
      const key = typeof address === "number" ? address & level.mask : maskAddress(address, level.length);
      const same = level.routes.get(key);
      if (same === undefined) continue;
      if (outDevice === undefined) return same[0];
      for (const route of same) {
        if (route.paths !== undefined) {
          const path = route.paths.find((own) => own.route.device === outDevice);
          if (path !== undefined) return path.route;
        } else if (route.device === undefined || route.device === outDevice) return route;
      }
    }
    return undefined;
  }

  #lookupAccepted(address: Address, accept: (route: Route) => boolean): Route | undefined {
    for (const { length, routes } of this.#levels) {
      const found = routes.get(keyOf(maskAddress(address, length)))?.find(accept);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #makeFew(): Few | null {
    if (this.#count > mostCompared) return null;
    const all = this.#levels.flatMap(({ mask, routes }) => [...routes].map(([base, same]) => ({ base, mask, same })));
    if (all.some(({ base }) => typeof base === "bigint")) return null;
    return {
      blocks: Int32Array.from(all.flatMap(({ base, mask }) => [Number(base), mask])),
      routes: all.map(({ same }) => same),
    };
  }

  /** All routes in the order `ip route` prints them: by address, the longer prefix last, then by metric. */
  routes(): Route[] {
    return this.#levels
      .flatMap((level) => [...level.routes.values()].flat())
      .sort(
        (a, b) =>
          compareAddresses(a.destination.base, b.destination.base) ||
          a.destination.prefixLength - b.destination.prefixLength ||
          a.metric - b.metric,
      );
  }
}

/** Signed, an IPv4 address is a small integer to the engine and hashes faster. */
function keyOf(base: Address): number | bigint {
  return typeof base === "number" ? base | 0 : base;
}
