import type { Owner } from "../trace/records.ts";
import { type Address, familyOf, formatAddress } from "../wire/address.ts";
import type { Cidr } from "../wire/cidr.ts";
import type { Route } from "./fib.ts";
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
  readonly owner?: Owner;
}

/**
 * Adds a route and fills in what iproute2 and the kernel do: the device from the gateway, scope, metric.
 * ENETUNREACH when the gateway is not on a link, ENODEV, EEXIST for the same destination and metric. ip-route(8).
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
  if (nexthops !== undefined) {
    const paths = nexthops.map(({ weight = 1, ...hop }) => ({ weight, route: makeRoute(ns, { ...rest, ...hop }) }));
    const [first] = paths;
    if (first === undefined) throw new NetlinkError("EINVAL", "a multipath route needs next hops");
    const { via: _via, device: _device, ...shared } = first.route;
    return { ...shared, scope: spec.scope ?? "global", onlink: false, paths };
  }
  const family = familyOf(spec.destination.base);
  const type = spec.type ?? "unicast";
  const device = spec.device ?? (spec.via === undefined ? undefined : gatewayDevice(ns, spec.via));
  if (type === "unicast") checkDevice(ns, device, spec.via);
  return {
    destination: spec.destination,
    type,
    ...(spec.via !== undefined && { via: spec.via }),
    ...(device !== undefined && { device }),
    ...(spec.source !== undefined && { source: spec.source }),
    scope: spec.scope ?? defaultScope(type, spec.via, family === "ipv6"),
    metric: spec.metric ?? (family === "ipv6" ? 1024 : 0),
    onlink: spec.onlink ?? false,
    ...(spec.mtu !== undefined && { mtu: spec.mtu }),
    ...(spec.mtuLocked === true && { mtuLocked: true }),
    ...(spec.nexthopId !== undefined && { nexthopId: spec.nexthopId }),
    protocol: spec.protocol ?? "boot",
    ...(spec.owner && { owner: spec.owner }),
  };
}

/** `ip route replace`. */
export function replaceRoute(ns: NetworkNamespace, spec: RouteSpec): Route {
  const family = familyOf(spec.destination.base);
  const metric = spec.metric ?? (family === "ipv6" ? 1024 : 0);
  ns.fib[family].delete({ destination: spec.destination, metric }, spec.table ?? "main");
  return addRoute(ns, spec);
}

function defaultScope(type: Route["type"], via: Address | undefined, v6: boolean): Route["scope"] {
  if (v6) return "global";
  if (type === "local") return "host";
  return via === undefined && (type === "unicast" || type === "broadcast") ? "link" : "global";
}

/** The device behind which a gateway is on the link (fib_check_nh). */
function gatewayDevice(ns: NetworkNamespace, via: Address): string | undefined {
  const found = ns.fib[familyOf(via)].lookup({ dst: via, mark: 0 });
  return found?.route.type === "unicast" && found.route.via === undefined ? found.route.device : undefined;
}

function checkDevice(ns: NetworkNamespace, device: string | undefined, via: Address | undefined): void {
  if (device === undefined) {
    const gateway = via === undefined ? "" : `: ${formatAddress(via)} is on no link of ${ns.name}`;
    throw new NetlinkError("ENETUNREACH", `the gateway cannot be reached${gateway}`);
  }
  const found = ns.devices.get(device);
  if (found === undefined) throw new NetlinkError("ENODEV", `there is no device ${device} in ${ns.name}`);
  if (!found.up) throw new NetlinkError("ENETDOWN", `device ${device} is down`);
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
