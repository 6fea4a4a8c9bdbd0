import type { Choice } from "../../trace/records.ts";
import { type Address, type IPv4, familyOf, isIPv4, isLinkLocal, isLoopback, isMulticast } from "../../wire/address.ts";
import { contains } from "../../wire/cidr.ts";
import type { Packet } from "../../wire/packet.ts";
import type { Device } from "../device.ts";
import type { KernelDropCode } from "../drop-codes.ts";
import { type FibResult, type FlowKey, type Route, gatewayOf } from "../fib.ts";
import type { NetworkNamespace } from "../namespace.ts";
import type { RoutedTo } from "../skb.ts";
import type { Errno } from "../socket/api.ts";
import { exceptionOf } from "./exception.ts";
import { selectPath } from "./multipath.ts";
import { validateSource } from "./reverse-path.ts";
import { sourceForRoute } from "./source-address.ts";

/** A lookup that ended without a way: what a sender is told, and what an ICMP error would say. */
export interface NoRoute {
  readonly kind: "none";
  readonly code: KernelDropCode;
  readonly errno: Errno;
  /** The ICMP error that a router owes the sender; absent: silence. */
  readonly icmp?: { readonly type: number; readonly code: number };
  readonly found?: FibResult;
}

/** A way, with the source address it prefers, and the table it stands in. */
export interface Routed {
  readonly kind: "routed";
  readonly to: RoutedTo;
  readonly table: string;
  /** Of a multipath route: which next hop was taken, by what odds. */
  readonly choice?: Choice;
}

export interface OutputKey {
  readonly dst: Address;
  readonly src?: Address;
  readonly mark: number;
  /** Bound device (SO_BINDTODEVICE). */
  readonly device?: string;
  /** The packet, where there is one yet: a multipath route may look at its ports. */
  readonly packet?: Packet;
}

/** Where a packet made here goes (ip_route_output_key, ip6_route_output). */
export function lookupOutput(ns: NetworkNamespace, key: OutputKey): Routed | NoRoute {
  const { dst, src, mark, device: bound } = key;
  // Neighbour discovery asks no routing table (icmp6_dst_alloc).
  const onLink = isGroup(dst) || (key.packet !== undefined && "target" in key.packet.transport);
  if (onLink && bound !== undefined) return outOfBound(ns, dst, bound);
  const found = ns.fib[familyOf(dst)].lookup({
    dst,
    mark,
    ...(src !== undefined && { src }),
    ...(bound !== undefined && { outDevice: bound }),
  });
  // The kernel takes a bound device's word: without a route the destination is assumed on its link.
  if (found === undefined && bound !== undefined && isIPv4(dst)) return outOfBound(ns, dst, bound);
  if (found === undefined) return noRoute(dst, undefined);
  const { route } = found;
  if (route.type !== "unicast" && route.type !== "local" && route.type !== "broadcast") return refused(dst, found);
  if (route.paths !== undefined) {
    const path = selectPath(ns, route, { dst, ...(src !== undefined && { src }), ...packetOf(key), isOutput: true });
    if (path === undefined) return noRoute(dst, found);
    const routed = outputBy(ns, key, { ...found, route: path.route });
    return routed.kind === "routed" ? { ...routed, choice: path.choice } : routed;
  }
  return outputBy(ns, key, found);
}

function packetOf({ packet }: Pick<OutputKey, "packet">): Pick<OutputKey, "packet"> {
  return packet === undefined ? {} : { packet };
}

/** By the device of a route that was found, or of the next hop that was taken of it. */
function outputBy(ns: NetworkNamespace, key: OutputKey, found: FibResult): Routed | NoRoute {
  const { dst, src } = key;
  const { route, table } = found;
  const local = route.type === "local";
  const device = ns.devices.get(local ? "lo" : (route.device ?? "lo"));
  if (device === undefined || !device.up) return noRoute(dst, found);
  if (
    src !== undefined &&
    isIPv4(src) &&
    isLoopback(src) &&
    device.kind !== "loopback" &&
    !ns.sysctls.device(device.name).routeLocalnet
  ) {
    return { kind: "none", code: "LOOPBACK_SOURCE", errno: "EINVAL", found };
  }
  const group = isMulticast(dst) ? "multicast" : dst === limitedBroadcast ? "broadcast" : undefined;
  const kind = local ? "local" : route.type === "broadcast" ? "broadcast" : (group ?? "output");
  return {
    kind: "routed",
    table,
    // A group is on the link: no gateway has a say (__mkroute_output).
    to: {
      kind,
      route,
      device,
      nextHop: group === undefined ? nextHopOf(ns, route, dst) : dst,
      input: false,
      redirect: false,
    },
  };
}

/** The gateway, or the destination itself; a redirect may have named another. */
function nextHopOf(ns: NetworkNamespace, route: Route, dst: Address): Address {
  return exceptionOf(ns, dst)?.gateway ?? gatewayOf(route) ?? dst;
}

function outOfBound(ns: NetworkNamespace, dst: Address, bound: string): Routed | NoRoute {
  const device = ns.devices.get(bound);
  if (device === undefined || !device.up) return noRoute(dst, undefined);
  const kind = isMulticast(dst) ? "multicast" : dst === limitedBroadcast ? "broadcast" : "output";
  const bits = isIPv4(dst) ? 32 : 128;
  const route: Route = {
    destination: { base: dst, prefixLength: bits },
    type: "unicast",
    device: bound,
    scope: "link",
    metric: 0,
    onlink: true,
    protocol: "bound",
  };
  return { kind: "routed", table: "", to: { kind, route, device, nextHop: dst, input: false, redirect: false } };
}

const limitedBroadcast = 0xffffffff as IPv4;

function isGroup(dst: Address): boolean {
  return isMulticast(dst) || dst === limitedBroadcast;
}

function noRoute(dst: Address, found: FibResult | undefined): NoRoute {
  return {
    kind: "none",
    code: "NO_ROUTE",
    errno: "ENETUNREACH",
    icmp: isIPv4(dst) ? { type: 3, code: 0 } : { type: 1, code: 0 },
    ...(found && { found }),
  };
}

/**
 * What routes and rules that refuse mean: fib_props in net/ipv4/fib_semantics.c, fib4_rule_action(),
 * ip6_route_info_create(). A rule says "unreachable" of the network, a route of the host.
 */
function refused(dst: Address, found: FibResult): NoRoute {
  const v4 = isIPv4(dst);
  switch (found.route.type) {
    case "unreachable":
      if (found.table === "") return { ...noRoute(dst, found), code: "ROUTE_UNREACHABLE" };
      return {
        kind: "none",
        code: "ROUTE_UNREACHABLE",
        errno: "EHOSTUNREACH",
        icmp: v4 ? { type: 3, code: 1 } : { type: 1, code: 0 },
        found,
      };
    case "prohibit":
      return {
        kind: "none",
        code: "ROUTE_PROHIBIT",
        errno: "EACCES",
        icmp: v4 ? { type: 3, code: 13 } : { type: 1, code: 1 },
        found,
      };
    case "blackhole":
      return { kind: "none", code: "ROUTE_BLACKHOLE", errno: "EINVAL", found };
    case "unicast":
    case "local":
    case "broadcast":
    case "throw":
      return noRoute(dst, found);
  }
}

export interface InputKey extends FlowKey {
  readonly src: Address;
  readonly device: Device;
  /** Its name. */
  readonly inDevice: string;
  readonly packet?: Packet;
}

/** What becomes of a packet that came in by `device`: ip_route_input_slow(), ip6_route_input(). */
export function lookupInput(ns: NetworkNamespace, key: InputKey): Routed | NoRoute {
  return isIPv4(key.dst) ? lookupInput4(ns, key) : lookupInput6(ns, key);
}

function lookupInput4(ns: NetworkNamespace, key: InputKey): Routed | NoRoute {
  const { dst, src, device } = key;
  const settings = ns.sysctls.device(device.name);
  if (isMulticast(src) || src === limitedBroadcast) return martian("MARTIAN_SOURCE");
  if (dst === limitedBroadcast || isMulticast(dst)) return groupInput(ns, key);
  if (src === 0) return martian("MARTIAN_SOURCE");
  if (dst === 0) return martian("MARTIAN_DESTINATION");
  if (!settings.routeLocalnet && device.kind !== "loopback") {
    if (isLoopback(dst)) return martian("MARTIAN_DESTINATION");
    if (isLoopback(src)) return martian("MARTIAN_SOURCE");
  }
  const found = ns.fib.ipv4.lookup(key);
  const { forwarding } = settings;
  if (found === undefined) return forwarding ? { ...noRoute(dst, undefined), code: "NO_ROUTE_IN" } : notForwarding();
  const path = found.route.paths && selectPath(ns, found.route, { dst, src, ...packetOf(key), isOutput: false });
  const route = path?.route ?? found.route;
  const { table } = found;
  const local = route.type === "local";
  if (!local && route.type !== "broadcast" && !forwarding) return notForwarding(found);
  if (!local && route.type !== "unicast" && route.type !== "broadcast") return refused(dst, found);
  const out = local || route.type === "broadcast" ? undefined : ns.devices.get(route.device ?? "");
  const source = validateSource(ns, key, out);
  if (typeof source === "string") return { ...martian(source), found };
  if (local || route.type === "broadcast") {
    return { kind: "routed", table, to: localTo(ns, route, dst, local ? "local" : "broadcast", device) };
  }
  if (out === undefined || !out.up) return noRoute(dst, found);
  const nextHop = nextHopOf(ns, route, dst);
  const redirect =
    out === device &&
    source.direct &&
    ns.sysctls.device(out.name).sendRedirects &&
    (ns.sysctls.device(out.name).sharedMedia || onLink(out, src, nextHop));
  const to: RoutedTo = { kind: "forward", route, device: out, nextHop, input: true, redirect };
  return path === undefined ? { kind: "routed", table, to } : { kind: "routed", table, to, choice: path.choice };
}

function lookupInput6(ns: NetworkNamespace, key: InputKey): Routed | NoRoute {
  const { dst, src, device } = key;
  if (isMulticast(src)) return martian("MARTIAN_SOURCE");
  if (device.kind !== "loopback" && (isLoopback(dst) || isLoopback(src))) return martian("MARTIAN_DESTINATION");
  if (isMulticast(dst)) return groupInput(ns, key);
  if (isLinkLocal(dst)) {
    if (!device.addresses.some((entry) => entry.address === dst)) return martian("MARTIAN_DESTINATION");
  }
  const found = ns.fib.ipv6.lookup(key);
  if (found === undefined) return { ...noRoute(dst, undefined), code: "NO_ROUTE_IN" };
  const path = found.route.paths && selectPath(ns, found.route, { dst, src, ...packetOf(key), isOutput: false });
  const route = path?.route ?? found.route;
  const { table } = found;
  if (route.type === "local") return { kind: "routed", table, to: localTo(ns, route, dst, "local", device) };
  if (route.type !== "unicast") return refused(dst, found);
  // Unlike IPv4, a host that does not forward answers when it has no route, but drops silently when it has one.
  if (!ns.sysctls.device(device.name).forwarding6) return notForwarding(found);
  const out = ns.devices.get(route.device ?? "");
  if (out === undefined || !out.up) return noRoute(dst, found);
  const nextHop = nextHopOf(ns, route, dst);
  const to: RoutedTo = { kind: "forward", route, device: out, nextHop, input: true, redirect: out === device };
  return { kind: "routed", table, to, ...(path && { choice: path.choice }) };
}

function groupInput(ns: NetworkNamespace, key: InputKey): Routed {
  const kind = isMulticast(key.dst) ? "multicast" : "broadcast";
  const bits = isIPv4(key.dst) ? 32 : 128;
  const route: Route = {
    destination: { base: key.dst, prefixLength: bits },
    type: "broadcast",
    device: key.device.name,
    scope: "link",
    metric: 0,
    onlink: false,
    protocol: "kernel",
  };
  return { kind: "routed", table: "local", to: localTo(ns, route, key.dst, kind, key.device) };
}

function localTo(
  ns: NetworkNamespace,
  route: Route,
  dst: Address,
  kind: "local" | "broadcast" | "multicast",
  fallback: Device,
): RoutedTo {
  return { kind, route, device: ns.devices.get("lo") ?? fallback, nextHop: dst, input: true, redirect: false };
}

function martian(code: KernelDropCode): NoRoute {
  return { kind: "none", code, errno: "EINVAL" };
}

function notForwarding(found?: FibResult): NoRoute {
  return { kind: "none", code: "NOT_FORWARDING", errno: "EHOSTUNREACH", ...(found && { found }) };
}

/** inet_addr_onlink(): both addresses belong to one network of the device. */
function onLink(device: Device, a: Address, b: Address): boolean {
  return device.addresses.some(({ address, prefixLength }) => {
    const block = { base: address, prefixLength };
    return contains(maskedBlock(block), a) && contains(maskedBlock(block), b);
  });
}

function maskedBlock(block: { readonly base: Address; readonly prefixLength: number }): {
  base: Address;
  prefixLength: number;
} {
  const mask = block.prefixLength === 0 ? 0 : -1 << (32 - block.prefixLength);
  return { base: (((block.base as number) & mask) >>> 0) as IPv4, prefixLength: block.prefixLength };
}

/**
 * The source address the stack would take towards `dst`; undefined without a route or any address. What
 * connect(2) and an unbound sendto(2) do.
 */
export function selectSource(
  ns: NetworkNamespace,
  dst: Address,
  options: { readonly mark?: number; readonly device?: string } = {},
): Address | undefined {
  const routed = lookupOutput(ns, {
    dst,
    mark: options.mark ?? 0,
    ...(options.device !== undefined && { device: options.device }),
  });
  return routed.kind === "routed" ? sourceForRoute(ns, routed.to, dst) : undefined;
}

/** The address types of xt_addrtype that the local table tells apart (inet_addr_type). */
export type AddressType =
  | "UNSPEC"
  | "UNICAST"
  | "LOCAL"
  | "BROADCAST"
  | "ANYCAST"
  | "MULTICAST"
  | "BLACKHOLE"
  | "UNREACHABLE"
  | "PROHIBIT";

/** What kind of address it is here: `-m addrtype`. With `device`, local only to that device. */
export function addressType(ns: NetworkNamespace, address: Address, device?: string): AddressType {
  if (isMulticast(address)) return "MULTICAST";
  if (!isIPv4(address)) return addressType6(ns, address, device);
  if (address === limitedBroadcast || address === 0) return "BROADCAST";
  // Only the local table is asked; it is the same for every mark and device.
  const found = ns.fib.ipv4.lookupIn("local", address);
  if (found === undefined || (device !== undefined && found.device !== device)) return "UNICAST";
  if (found.type === "local") return "LOCAL";
  return found.type === "broadcast" ? "BROADCAST" : "UNICAST";
}

/** match_lookup_rt6() in net/netfilter/xt_addrtype.c: a full route lookup. */
function addressType6(ns: NetworkNamespace, address: Address, device: string | undefined): AddressType {
  const found = ns.fib.ipv6.lookup({ dst: address, mark: 0 });
  if (found === undefined) return "UNREACHABLE";
  switch (found.route.type) {
    case "local":
      return device === undefined || found.route.device === device ? "LOCAL" : "UNICAST";
    case "blackhole":
      return "BLACKHOLE";
    case "unreachable":
      return "UNREACHABLE";
    case "prohibit":
      return "PROHIBIT";
    case "unicast":
    case "broadcast":
    case "throw":
      return "UNICAST";
  }
}
