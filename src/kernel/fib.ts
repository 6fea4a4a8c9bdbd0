import type { Owner } from "../trace/records.ts";
import type { Address, Family } from "../wire/address.ts";
import type { Cidr } from "../wire/cidr.ts";

/** A route as `ip route` shows it. */
export interface Route {
  readonly destination: Cidr;
  readonly type: "unicast" | "local" | "broadcast" | "blackhole" | "unreachable" | "prohibit" | "throw";
  readonly via?: Address;
  /** The gateway is an address of this host: destinations are taken to be on the link (the nexthop's scope is host). */
  readonly viaOwn?: true;
  readonly device?: string;
  /** Preferred source address (`src`). */
  readonly source?: Address;
  readonly scope: "global" | "link" | "host";
  readonly metric: number;
  readonly onlink: boolean;
  readonly mtu?: number;
  /** The MTU holds whatever the path says (`mtu lock`). */
  readonly mtuLocked?: true;
  /** The next hops of a multipath route; via and device stand there then. */
  readonly paths?: readonly RoutePath[];
  /** The nexthop object it was made with (`nhid`). */
  readonly nexthopId?: number;
  /** `kernel`, `boot`, `static`, `bird`, `80`, ... */
  readonly protocol: string;
  readonly owner?: Owner;
}

/** Whom a packet along the route goes to first; undefined: straight to its destination. */
export function gatewayOf({ via, viaOwn }: Route): Address | undefined {
  return viaOwn === true ? undefined : via;
}

/** One next hop of a multipath route: the route as it is by that hop, and how often it is taken beside the others. */
export interface RoutePath {
  readonly weight: number;
  readonly route: Route;
}

/** Whether packets may leave by this device along the route. */
export function usesDevice(route: Route, device: string): boolean {
  return route.paths === undefined ? route.device === device : route.paths.some((path) => path.route.device === device);
}

/** A policy routing rule as `ip rule` shows it. */
export interface IpRule {
  readonly priority: number;
  readonly from?: Cidr;
  readonly to?: Cidr;
  readonly inDevice?: string;
  readonly outDevice?: string;
  readonly mark?: { readonly value: number; readonly mask: number };
  readonly inverted: boolean;
  /** What the table finds does not count when its prefix is no longer than this, bits. */
  readonly suppressPrefixLength?: number;
  readonly action:
    | { readonly kind: "lookup"; readonly table: string }
    | { readonly kind: "goto"; readonly priority: number }
    | { readonly kind: "nop" }
    | { readonly kind: "blackhole" | "unreachable" | "prohibit" };
  readonly owner?: Owner;
}

/** What a lookup asks about. */
export interface FlowKey {
  readonly dst: Address;
  readonly src?: Address;
  readonly mark: number;
  readonly inDevice?: string;
  readonly outDevice?: string;
}

/** What a lookup found. */
export interface FibResult {
  readonly route: Route;
  readonly table: string;
  readonly rule: IpRule;
}

/** The forwarding information base of one family: rules, and tables by name (`local`, `main`, `default`, or a number). */
export interface Fib {
  readonly family: Family;
  readonly rules: readonly IpRule[];
  /** `first`: before the others of its destination and metric. */
  add(route: Route, table?: string, first?: boolean): void;
  /** Removes the first route that equals in destination, and in via, device and metric where those are given. */
  delete(match: Pick<Route, "destination"> & Partial<Route>, table?: string): boolean;
  addRule(rule: IpRule): void;
  deleteRule(match: Partial<IpRule>): boolean;
  /** The first route that `delete` would remove. */
  find(match: Pick<Route, "destination"> & Partial<Route>, table?: string): Route | undefined;
  routes(table?: string): readonly Route[];
  tables(): readonly string[];
  /**
   * Longest prefix, then lowest metric, table by table in the order of the rules; undefined: no route. Routes that
   * `accept` turns down are passed over.
   */
  lookup(key: FlowKey, accept?: (route: Route) => boolean): FibResult | undefined;
  /** Longest prefix in one table, whatever the rules say: what `-m addrtype` and inet_addr_type() ask of `local`. */
  lookupIn(table: string, destination: Address, accept?: (route: Route) => boolean): Route | undefined;
}
