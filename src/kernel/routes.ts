import type { Owner } from "../trace/records.ts";
import { type Address, familyOf, formatAddress } from "../wire/address.ts";
import type { Cidr } from "../wire/cidr.ts";
import type { Route } from "./fib.ts";
import type { NetworkNamespace } from "./namespace.ts";
import { NetlinkError } from "./netlink-error.ts";

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
  readonly protocol?: string;
  readonly table?: string;
  readonly owner?: Owner;
}

/**
 * Adds a route and fills in what iproute2 and the kernel do: the device from the gateway, scope, metric.
 * ENETUNREACH when the gateway is not on a link, ENODEV, EEXIST for the same destination and metric. ip-route(8).
 */
export function addRoute(ns: NetworkNamespace, spec: RouteSpec): Route {
  const family = familyOf(spec.destination.base);
  const fib = ns.fib[family];
  const type = spec.type ?? "unicast";
  const device = spec.device ?? (spec.via === undefined ? undefined : gatewayDevice(ns, spec.via));
  if (type === "unicast") checkDevice(ns, device, spec.via);
  const route: Route = {
    destination: spec.destination,
    type,
    ...(spec.via !== undefined && { via: spec.via }),
    ...(device !== undefined && { device }),
    ...(spec.source !== undefined && { source: spec.source }),
    scope: spec.scope ?? defaultScope(type, spec.via, family === "ipv6"),
    metric: spec.metric ?? (family === "ipv6" ? 1024 : 0),
    onlink: spec.onlink ?? false,
    ...(spec.mtu !== undefined && { mtu: spec.mtu }),
    protocol: spec.protocol ?? "boot",
    ...(spec.owner && { owner: spec.owner }),
  };
  const table = spec.table ?? (type === "local" || type === "broadcast" ? "local" : "main");
  // Two IPv6 routes to one destination may differ in their next hop; IPv4 takes one per metric.
  const nextHop =
    family === "ipv6"
      ? { ...(device !== undefined && { device }), ...(spec.via !== undefined && { via: spec.via }) }
      : {};
  if (fib.find({ destination: route.destination, metric: route.metric, ...nextHop }, table) !== undefined) {
    throw new NetlinkError("EEXIST", `a route to this destination with metric ${route.metric} exists already`);
  }
  fib.add(route, table);
  return route;
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

/** Removes every route by a device; those of its own addresses only with `local`. */
export function flushRoutes(ns: NetworkNamespace, device: string, options: { readonly local: boolean }): void {
  for (const fib of Object.values(ns.fib)) {
    for (const table of fib.tables()) {
      for (const route of fib.routes(table)) {
        if (route.device === device && (options.local || route.type !== "local")) fib.delete(route, table);
      }
    }
  }
}
