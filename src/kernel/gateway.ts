import {
  type Address,
  type Family,
  formatAddress,
  isIPv4,
  isLinkLocal,
  isMulticast,
  unspecified,
} from "../wire/address.ts";
import type { Device } from "./device.ts";
import { type FibResult, type Route, usesDevice } from "./fib.ts";
import { addressType } from "./ip/route.ts";
import type { NetworkNamespace } from "./namespace.ts";
import { NetlinkError } from "./netlink-error.ts";

/** A next hop as `ip route add` names it. */
export interface NextHopRequest {
  readonly via?: Address;
  readonly device?: string;
  readonly onlink: boolean;
  /** Of the route that shall go by it. */
  readonly scope: Route["scope"];
  readonly table: string;
}

/** A next hop that the kernel takes. */
export interface NextHop {
  readonly device: string;
  /** The gateway is an address of this host: what goes there is taken to be on the link itself. */
  readonly viaOwn?: true;
}

/**
 * Whether the kernel takes a next hop, in its own words when it does not, and by which device it goes: fib_check_nh() in
 * net/ipv4/fib_semantics.c; fib6_nh_init() and ip6_validate_gw() in net/ipv6/route.c.
 */
export function checkNextHop(ns: NetworkNamespace, family: Family, request: NextHopRequest): NextHop {
  const { via, device, onlink } = request;
  if (via !== undefined && isIPv4(via)) return checkGateway4(ns, via, request);
  if (via !== undefined) return { device: usable6(ns, checkGateway6(ns, via, request)).name };
  if (device === undefined)
    throw new NetlinkError("ENODEV", "a route without a gateway needs a device: add dev DEVICE");
  if (family === "ipv6") return { device: usable6(ns, named(ns, device)).name };
  if (onlink)
    throw new NetlinkError(
      "EINVAL",
      "Invalid flags for nexthop - PERVASIVE and ONLINK can not be set: no gateway is onlink",
    );
  // What is local needs no link.
  if (request.scope !== "host" && !named(ns, device).up) throw isDown("Device for nexthop is not up", device);
  return { device: named(ns, device).name };
}

/** What fib6_nh_init() asks of the device of every next hop. */
function usable6(ns: NetworkNamespace, device: Device): Device {
  if (ns.sysctls.device(device.name).disabled6)
    throw new NetlinkError("EACCES", `IPv6 is disabled on nexthop device ${device.name}`);
  if (!device.up) throw isDown("Nexthop device is not up", device.name);
  return device;
}

function isDown(words: string, device: string): NetlinkError {
  return new NetlinkError("ENETDOWN", `${words}: set ${device} up before its routes`);
}

function named(ns: NetworkNamespace, device: string): Device {
  const found = ns.devices.get(device);
  if (found === undefined) throw new NetlinkError("ENODEV", `there is no device ${device} in ${ns.name}`);
  return found;
}

const scopes: Readonly<Record<Route["scope"], number>> = { global: 0, link: 253, host: 254 };

function checkGateway4(ns: NetworkNamespace, via: Address, request: NextHopRequest): NextHop {
  const { device, table } = request;
  if (request.onlink) return checkOnlink4(ns, via, request);
  // A gateway is nearer than what is behind it: a route of a wider scope does not lead to it.
  const scope = Math.max(scopes[request.scope] + 1, scopes.link);
  const accept = (route: Route): boolean =>
    scopes[route.scope] >= scope &&
    (route.type !== "unicast" || device === undefined || usesDevice(route, device)) &&
    (route.type !== "local" || device === undefined || route.device === device);
  const own = table === "main" ? undefined : ns.fib.ipv4.lookupIn(table, via, accept);
  const result =
    own !== undefined && (own.type === "unicast" || own.type === "local" || own.type === "broadcast")
      ? { route: own, table }
      : ns.fib.ipv4.lookup({ dst: via, mark: 0, ...(device !== undefined && { outDevice: device }) }, accept);
  const found = result?.route;
  if (found?.type !== "unicast" && found?.type !== "local") {
    const where = device === undefined ? `no link of ${ns.name}` : `no network of ${device}`;
    throw invalidGateway(
      result === undefined ? "ENETUNREACH" : errnoOf(result),
      `${formatAddress(via)} is on ${where}; onlink behind dev DEVICE says that it is there`,
    );
  }
  const taken = device ?? found.device ?? found.paths?.[0]?.route.device ?? "";
  if (!named(ns, taken).up) throw new NetlinkError("ENETDOWN", `device ${taken} is down`);
  return { device: taken, ...(found.type === "local" && { viaOwn: true }) };
}

function checkOnlink4(ns: NetworkNamespace, via: Address, request: NextHopRequest): NextHop {
  if (request.scope !== "global") throw new NetlinkError("EINVAL", "Nexthop has invalid scope");
  const { name } = onlinkDevice(ns, request);
  const type = addressType(ns, via);
  if (type === "UNICAST") return { device: name };
  throw invalidGateway("EINVAL", `${formatAddress(via)} is an address of ${ns.name} itself or of a group`);
}

function onlinkDevice(ns: NetworkNamespace, { device }: NextHopRequest): Device {
  if (device === undefined) throw new NetlinkError("ENODEV", "Nexthop device required for onlink");
  const found = named(ns, device);
  if (!found.up) throw isDown("Nexthop device is not up", device);
  return found;
}

/** What a route on the way to the gateway answers (fib_props); a rule, of no table, says it of the network. */
function errnoOf({ route, table }: Pick<FibResult, "route" | "table">): NetlinkError["errno"] {
  if (route.type === "unreachable") return table === "" ? "ENETUNREACH" : "EHOSTUNREACH";
  return route.type === "prohibit" ? "EACCES" : "EINVAL";
}

function invalidGateway(errno: NetlinkError["errno"], why: string): NetlinkError {
  return new NetlinkError(errno, `Nexthop has invalid gateway: ${why}`);
}

function checkGateway6(ns: NetworkNamespace, via: Address, request: NextHopRequest): Device {
  const device = request.device === undefined ? undefined : named(ns, request.device);
  if (request.onlink) onlinkDevice(ns, request);
  if (device !== undefined) refuseOwn(ns, via, device);
  if (via === unspecified.ipv6 || isMulticast(via)) throw new NetlinkError("EINVAL", "Invalid gateway address");
  const taken = isLinkLocal(via) ? device : reachableBy(ns, via, device, request);
  if (taken === undefined) throw new NetlinkError("EINVAL", "Egress device not specified");
  if (taken.kind === "loopback")
    throw new NetlinkError("EINVAL", "Egress device can not be loopback device for this route");
  if (device === undefined) refuseOwn(ns, via, taken);
  return taken;
}

/** ipv6_chk_addr_and_flags(): a link-local address is one only on its own device. */
function refuseOwn(ns: NetworkNamespace, via: Address, device: Device): void {
  const asked = isLinkLocal(via) ? [device] : [...ns.devices.values()];
  if (!asked.some(({ addresses }) => addresses.some(({ address }) => address === via))) return;
  throw new NetlinkError("EINVAL", `Gateway can not be a local address: ${formatAddress(via)} is one of ${ns.name}`);
}

/** ip6_route_check_nh() and ip6_route_check_nh_onlink(). */
function reachableBy(
  ns: NetworkNamespace,
  via: Address,
  device: Device | undefined,
  { onlink, table }: NextHopRequest,
): Device | undefined {
  const { ipv6: fib } = ns.fib;
  if (onlink) {
    const found = fib.lookupIn("main", via);
    const contradicts =
      found !== undefined &&
      !refuses(found) &&
      found.destination.base !== unspecified.ipv6 &&
      device !== undefined &&
      !usesDevice(found, device.name);
    if (!contradicts) return device;
    const other = `${formatAddress(via)} is behind ${found.device ?? "another device"}`;
    throw new NetlinkError("EINVAL", `Nexthop has invalid gateway or device mismatch: ${other}`);
  }
  // A route that refuses stands on the loopback.
  const accept = (route: Route): boolean =>
    device === undefined || (refuses(route) ? device.kind === "loopback" : usesDevice(route, device.name));
  const leads = (route: Route | undefined): route is Route =>
    route !== undefined && !refuses(route) && route.via === undefined && route.paths === undefined;
  const own = fib.lookupIn(table, via, accept);
  const found = leads(own)
    ? own
    : fib.lookup({ dst: via, mark: 0, ...(device && { outDevice: device.name }) }, accept)?.route;
  if (leads(found)) return device ?? ns.devices.get(found.device ?? "");
  const where = device === undefined ? `no link of ${ns.name}` : `no network of ${device.name}`;
  throw new NetlinkError("EHOSTUNREACH", `${formatAddress(via)} is on ${where}: a gateway has to be`);
}

function refuses({ type }: Route): boolean {
  return type !== "unicast" && type !== "local" && type !== "broadcast";
}

/** fib_valid_prefsrc(), ip6_route_info_create(): the address that a route prefers is one of this host. */
export function checkPreferredSource(
  ns: NetworkNamespace,
  source: Address,
  route: Pick<Route, "device" | "type" | "destination">,
  table: string,
): void {
  if (isIPv4(source)) {
    const { type, destination } = route;
    if (type === "local" && destination.base === source) return;
    const asked = table === "main" ? ["local"] : [table, "local"];
    if (asked.some((name) => ns.fib.ipv4.lookupIn(name, source)?.type === "local")) return;
    throw new NetlinkError("EINVAL", `Invalid prefsrc address: ${formatAddress(source)} is no address of ${ns.name}`);
  }
  const device = route.device ?? "lo";
  const has = [...ns.devices.values()].some(({ name, addresses }) =>
    addresses.some(({ address, scope }) => address === source && (name === device || scope === "global")),
  );
  if (has) return;
  throw new NetlinkError(
    "EINVAL",
    `Invalid source address: ${formatAddress(source)} is no address that ${device} may use`,
  );
}
