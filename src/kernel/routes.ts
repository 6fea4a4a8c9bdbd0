import type { Owner } from "../trace/records.ts";
import { type Address, type Family, familyOf, isIPv4, unspecified } from "../wire/address.ts";
import type { Cidr } from "../wire/cidr.ts";
import type { Route } from "./fib.ts";
import { checkNextHop, checkPreferredSource } from "./gateway.ts";
import { addressType } from "./ip/route.ts";
import type { NetworkNamespace } from "./namespace.ts";
import { NetlinkError } from "./netlink-error.ts";
import { formatRoute } from "./route-text.ts";

/** One `nexthop` of a multipath route. */
export interface NextHopSpec {
  readonly via?: Address;
  readonly device?: string;
  /** 1 to 256; 1 where absent. */
  readonly weight?: number;
  readonly onlink?: boolean;
}

/** What `ip route add` takes. */
export interface RouteSpec {
  readonly destination: Cidr;
  readonly type?: Route["type"];
  readonly via?: Address;
  readonly device?: string;
  readonly source?: Address;
  readonly scope?: Route["scope"];
  /** 1024 for IPv6, 0 for IPv4 where absent. */
  readonly metric?: number;
  /** The gateway is on the link whatever the routes say. */
  readonly onlink?: boolean;
  readonly mtu?: number;
  readonly mtuLocked?: true;
  /** A multipath route; via, device and onlink stand in the next hops. */
  readonly nexthops?: readonly NextHopSpec[];
  readonly nexthopId?: number;
  readonly protocol?: string;
  readonly table?: string;
  /** A kernel printed it: its gateway was checked there, against routes that may be printed behind it. */
  readonly isShown?: boolean;
  readonly owner?: Owner;
}

/**
 * Adds a route and fills in what iproute2 and the kernel do: the device from the gateway, scope, metric. Throws a
 * NetlinkError in the kernel's words for what it refuses (gateway.ts), EEXIST for the same destination and metric.
 * ip-route(8), fib_create_info().
 */
export function addRoute(ns: NetworkNamespace, spec: RouteSpec): Route {
  const route = makeRoute(ns, spec);
  const table = tableOf(spec);
  const fib = ns.fib[familyOf(route.destination.base)];
  const { destination, metric } = route;
  if (fib.find({ destination, metric }, table) !== undefined) {
    throw new NetlinkError("EEXIST", `a route to this destination with metric ${metric} exists already`);
  }
  fib.add(route, table);
  return route;
}

/**
 * `ip route append`, `ip route prepend`: beside routes of the same metric. In IPv6 those with a gateway become one
 * multipath route (rt6_qualify_for_ecmp). EEXIST for one that is there already.
 */
export function appendRoute(ns: NetworkNamespace, spec: RouteSpec, first = false): Route {
  const route = makeRoute(ns, spec);
  const table = tableOf(spec);
  const { destination, metric } = route;
  const family = familyOf(destination.base);
  const fib = ns.fib[family];
  const equal = fib
    .routes(table)
    .filter((other) => other.destination.base === destination.base && other.metric === metric)
    .filter((other) => other.destination.prefixLength === destination.prefixLength);
  if (equal.some((other) => formatRoute(other) === formatRoute(route) && other.paths === undefined)) {
    throw new NetlinkError("EEXIST", "this very route exists already");
  }
  const sibling = family === "ipv6" && route.via !== undefined ? equal.find(hasGateway) : undefined;
  if (sibling === undefined) {
    fib.add(route, table, first);
    return route;
  }
  const paths = [...(sibling.paths ?? [{ weight: 1, route: sibling }]), { weight: 1, route }];
  const { via: _via, device: _device, ...shared } = route;
  const joined: Route = { ...shared, paths };
  fib.delete({ destination, metric }, table);
  fib.add(joined, table);
  return joined;
}

function hasGateway({ via, paths }: Route): boolean {
  return via !== undefined || paths?.some((path) => path.route.via !== undefined) === true;
}

function tableOf({ table, type }: RouteSpec): string {
  return table ?? (type === "local" || type === "broadcast" ? "local" : "main");
}

function makeRoute(ns: NetworkNamespace, spec: RouteSpec): Route {
  const { nexthops, ...rest } = spec;
  const family = familyOf(spec.destination.base);
  const type = spec.type ?? "unicast";
  const refuses = type !== "unicast" && type !== "local" && type !== "broadcast";
  if (nexthops !== undefined) {
    checkPaths(family, nexthops, { type, scope: spec.scope });
    const paths = nexthops.map(({ weight = 1, ...hop }) => {
      const route = makeRoute(ns, { ...rest, scope: spec.scope ?? "global", ...hop });
      return { weight, route };
    });
    const [first] = paths;
    if (first === undefined) throw new NetlinkError("EINVAL", "a multipath route needs next hops");
    const { via: _via, viaOwn: _own, device: _device, ...shared } = first.route;
    return { ...shared, onlink: false, paths };
  }
  const scope = scopeOf(spec, type, family);
  const hop = refuses ? refusingHop(family, spec) : nextHop(ns, family, spec, scope);
  const { onlink = false, source } = spec;
  const route: Route = {
    destination: spec.destination,
    type,
    ...hop,
    ...(source !== undefined && { source }),
    scope,
    // IPv6 has no metric 0.
    metric: spec.metric || (family === "ipv6" ? 1024 : 0),
    onlink,
    ...(spec.mtu !== undefined && { mtu: Math.min(spec.mtu, mostMtu) }),
    ...(spec.mtuLocked === true && { mtuLocked: true }),
    ...(spec.nexthopId !== undefined && { nexthopId: spec.nexthopId }),
    protocol: spec.protocol ?? "boot",
    ...(spec.owner && { owner: spec.owner }),
  };
  if (source !== undefined && spec.isShown !== true) checkPreferredSource(ns, source, route, tableOf(spec));
  return route;
}

/** The longest IP packet but for its options, bytes: ip_metrics_convert(). */
const mostMtu = 65_520;

type Hop = Pick<Route, "via" | "viaOwn" | "device">;

/** fib_create_info(): an IPv4 route that refuses has no next hop; in IPv6 what is named is passed over. */
function refusingHop(family: Family, { via, device }: RouteSpec): Hop {
  if (family === "ipv4" && (via !== undefined || device !== undefined)) throw needsNoHop();
  return {};
}

function needsNoHop(): NetlinkError {
  return new NetlinkError("EINVAL", "Gateway, device and multipath can not be specified for this route type");
}

function nextHop(ns: NetworkNamespace, family: Family, spec: RouteSpec, scope: Route["scope"]): Hop {
  // `via 0.0.0.0` is no gateway.
  const via = spec.via === unspecified.ipv4 ? undefined : spec.via;
  const { device, onlink = false, isShown = false } = spec;
  if (family === "ipv4" && scope === "host" && via !== undefined)
    throw new NetlinkError("EINVAL", "Route with host scope can not have a gateway");
  const shown = isShown && via !== undefined && device !== undefined;
  const hop = shown
    ? { ...checkNextHop(ns, family, { device, onlink: false, scope: "link", table: "main" }), ...ownGateway(ns, via) }
    : checkNextHop(ns, family, {
        ...(via !== undefined && { via }),
        ...(device !== undefined && { device }),
        onlink,
        scope,
        table: tableOf(spec),
      });
  return { ...(via !== undefined && { via }), ...hop };
}

/** What a kernel printed it has checked itself; whether a gateway is its own address it does not print. */
function ownGateway(ns: NetworkNamespace, via: Address): Pick<Hop, "viaOwn"> {
  return isIPv4(via) && addressType(ns, via) === "LOCAL" ? { viaOwn: true } : {};
}

function checkPaths(
  family: Family,
  nexthops: readonly NextHopSpec[],
  { type, scope }: { readonly type: Route["type"]; readonly scope: Route["scope"] | undefined },
): void {
  if (family === "ipv6") {
    if (nexthops.every(({ via }) => via !== undefined)) return;
    throw new NetlinkError("EINVAL", "Device only routes can not be added for IPv6 using the multipath API");
  }
  if (type === "blackhole" || type === "unreachable" || type === "prohibit" || type === "throw") throw needsNoHop();
  if (scope === "host" && nexthops.length > 1)
    throw new NetlinkError("EINVAL", "Route with host scope can not have multiple nexthops");
}

/** The scope asked for, as far as the route's type allows it (fib_props). IPv6 knows none. */
function scopeOf(spec: RouteSpec, type: Route["type"], family: Family): Route["scope"] {
  if (family === "ipv6") return "global";
  const scope = spec.scope ?? defaultScope(type, spec.via);
  if ((type === "local" && scope !== "host") || (type === "broadcast" && scope === "global"))
    throw new NetlinkError("EINVAL", `Invalid scope: a ${type} route cannot have scope ${scope}`);
  return scope;
}

/** `ip route replace`; `change` where `mustExist`: ENOENT without a route of the destination and metric. */
export function replaceRoute(ns: NetworkNamespace, spec: RouteSpec, mustExist = false): Route {
  const route = makeRoute(ns, spec);
  const table = tableOf(spec);
  const { destination, metric } = route;
  const fib = ns.fib[familyOf(destination.base)];
  if (!fib.delete({ destination, metric }, table) && mustExist)
    throw new NetlinkError("ENOENT", "Can not replace route - no match found: add it");
  fib.add(route, table);
  return route;
}

function defaultScope(type: Route["type"], via: Address | undefined): Route["scope"] {
  if (type === "local") return "host";
  return type === "broadcast" || (via === undefined && type === "unicast") ? "link" : "global";
}

function isUp(ns: NetworkNamespace, { device }: Route): boolean {
  return ns.devices.get(device ?? "")?.up === true;
}

/** Removes every route by a device; those of its own addresses only with `local`. */
export function flushRoutes(ns: NetworkNamespace, device: string, options: { readonly local: boolean }): void {
  for (const fib of Object.values(ns.fib)) {
    for (const table of fib.tables()) {
      for (const route of fib.routes(table)) {
        if (route.paths !== undefined) {
          // A multipath route goes when its last next hop does; till then that hop is only passed over.
          const others = route.paths.filter((path) => path.route.device !== device);
          if (others.length === route.paths.length || others.some((path) => isUp(ns, path.route))) continue;
          fib.delete(route, table);
        } else if (route.device === device && (options.local || route.type !== "local")) fib.delete(route, table);
      }
    }
  }
}
