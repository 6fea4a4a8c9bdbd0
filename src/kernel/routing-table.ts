import { type Address, compareAddresses } from "../wire/address.ts";
import { maskAddress } from "../wire/cidr.ts";
import type { Route } from "./fib.ts";

/**
 * One routing table. Routes are kept by prefix length and base, so a lookup costs one map access per prefix
 * length in use, however many routes there are.
 */
export class RoutingTable {
  readonly #byLength = new Map<number, Map<Address, Route[]>>();
  #lengths: readonly number[] = [];
  #count = 0;

  get size(): number {
    return this.#count;
  }

  add(route: Route): void {
    const { base, prefixLength } = route.destination;
    let bases = this.#byLength.get(prefixLength);
    if (bases === undefined) {
      bases = new Map();
      this.#byLength.set(prefixLength, bases);
      this.#lengths = [...this.#byLength.keys()].sort((a, b) => b - a);
    }
    const same = bases.get(base) ?? [];
    const at = same.findIndex((other) => other.metric > route.metric);
    same.splice(at < 0 ? same.length : at, 0, route);
    bases.set(base, same);
    this.#count++;
  }

  /** Removes the first route of that destination for which `matches` holds. */
  delete(destination: Route["destination"], matches: (route: Route) => boolean): boolean {
    const bases = this.#byLength.get(destination.prefixLength);
    const same = bases?.get(destination.base);
    const at = same?.findIndex(matches) ?? -1;
    if (bases === undefined || same === undefined || at < 0) return false;
    same.splice(at, 1);
    this.#count--;
    if (same.length > 0) return true;
    bases.delete(destination.base);
    if (bases.size === 0) {
      this.#byLength.delete(destination.prefixLength);
      this.#lengths = this.#lengths.filter((length) => length !== destination.prefixLength);
    }
    return true;
  }

  find({ base, prefixLength }: Route["destination"], matches: (route: Route) => boolean): Route | undefined {
    return this.#byLength.get(prefixLength)?.get(base)?.find(matches);
  }

  /** The first route of the longest prefix that holds `address`, by metric, leaving by `outDevice` where given. */
  lookup(address: Address, outDevice: string | undefined): Route | undefined {
    for (const length of this.#lengths) {
      const same = this.#byLength.get(length)?.get(maskAddress(address, length));
      if (same === undefined) continue;
      if (outDevice === undefined) return same[0];
      const found = same.find((route) => route.device === undefined || route.device === outDevice);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** All routes in the order `ip route` prints them: by address, the longer prefix last, then by metric. */
  routes(): Route[] {
    const all: Route[] = [];
    for (const bases of this.#byLength.values()) for (const same of bases.values()) all.push(...same);
    return all.sort(
      (a, b) =>
        compareAddresses(a.destination.base, b.destination.base) ||
        a.destination.prefixLength - b.destination.prefixLength ||
        a.metric - b.metric,
    );
  }
}
