import {
  type Address,
  type Family,
  address,
  familyOf,
  isLinkLocal,
  isMulticast,
  unspecified,
} from "../../wire/address.ts";
import { addressType, lookupOutput } from "../ip/route.ts";
import { sourceForRoute } from "../ip/source-address.ts";
import type { NetworkNamespace } from "../namespace.ts";
import type { Endpoint, SocketError, SocketOptions } from "./api.ts";

const loopback: Readonly<Record<Family, Address>> = { ipv4: address("127.0.0.1"), ipv6: address("::1") };

/** Whom a socket really talks to: the unspecified address means the socket's own, else the loopback (ip_route_output_key). */
export function destinationOf<E extends { readonly address: Address }>(
  remote: E,
  { source }: Pick<SocketOptions, "source">,
): E {
  const family = familyOf(remote.address);
  if (remote.address !== unspecified[family]) return remote;
  return { ...remote, address: source === undefined || source === unspecified[family] ? loopback[family] : source };
}

/**
 * The address a socket sends from towards `dst`: the bound one, or the route's choice. Else why it cannot: with
 * `connects` (TCP) not to a group, else not to a broadcast address. tcp_v4_connect(), udp_sendmsg(), raw_sendmsg().
 */
export function chooseSource(
  ns: NetworkNamespace,
  dst: Address,
  options: Pick<SocketOptions, "source" | "mark"> & { readonly connects?: boolean },
): Address | SocketError {
  const { mark = 0 } = options;
  const bound = options.source === undefined ? undefined : addressType(ns, options.source);
  if (bound !== undefined && bound !== "LOCAL" && bound !== "BROADCAST" && bound !== "MULTICAST") {
    // With ip_nonlocal_bind the bind succeeds, and then no route starts there (ip_route_output_key_hash_rcu).
    const family = familyOf(dst);
    return { errno: ns.sysctls.get(`net.${family}.ip_nonlocal_bind`) === 0 ? "EADDRNOTAVAIL" : "ENETUNREACH" };
  }
  // Bound to a group, a socket hears the group and sends from its own address (__inet_bind).
  const source = bound === "LOCAL" ? options.source : undefined;
  const routed = lookupOutput(ns, { dst, mark, ...(source !== undefined && { src: source }) });
  if (routed.kind === "none") return { errno: routed.errno };
  const { kind } = routed.to;
  if (options.connects === true && (kind === "broadcast" || kind === "multicast")) return { errno: "ENETUNREACH" };
  // Nobody sets SO_BROADCAST here.
  if (kind === "broadcast") return { errno: "EACCES" };
  if (source !== undefined) return source;
  const chosen = sourceForRoute(ns, routed.to, dst);
  if (chosen === undefined) return { errno: "EADDRNOTAVAIL" };
  // connect(2) looks again with the source it has now: a rule may know it (ip_route_connect). In IPv6 it does not.
  const again =
    options.connects === true && typeof dst === "number" ? lookupOutput(ns, { dst, mark, src: chosen }) : routed;
  return again.kind === "none" ? { errno: again.errno } : chosen;
}

/** connect(2) wants to know the link of an address that counts on one link only (`%eth0`), which nobody says here. */
export function lacksZone(address: Address): boolean {
  if (typeof address === "number") return false;
  return isLinkLocal(address) || (isMulticast(address) && ((address >> 112n) & 15n) <= 2n);
}

export function isError(value: Address | SocketError): value is SocketError {
  return typeof value === "object";
}

/** TTL or hop limit of what this namespace sends. */
export function defaultTtl(ns: NetworkNamespace, family: Family): number {
  return family === "ipv4"
    ? ns.sysctls.get("net.ipv4.ip_default_ttl")
    : ns.sysctls.get("net.ipv6.conf.default.hop_limit");
}

/** The TTL of a socket's packets; to a group it is 1, whatever IP_TTL says (IP_MULTICAST_TTL). */
export function ttlTowards(ns: NetworkNamespace, dst: Address, options: Pick<SocketOptions, "ttl">): number {
  if (isMulticast(dst)) return 1;
  return options.ttl ?? defaultTtl(ns, familyOf(dst));
}

/**
 * A free port of ip_local_port_range. A connecting TCP socket takes even ones first (inet_hash_connect).
 * Undefined when all are taken.
 */
export function ephemeralPort(
  ns: NetworkNamespace,
  protocol: "tcp" | "udp",
  flowKey: string,
  taken: (port: number) => boolean,
): number | undefined {
  const first = ns.sysctls.get("net.ipv4.ip_local_port_range.min");
  const last = ns.sysctls.get("net.ipv4.ip_local_port_range.max");
  const step = protocol === "tcp" ? 2 : 1;
  const count = Math.floor((last - first + 1) / step);
  const start = ns.surroundings.chance.integer(`${ns.name}:port:${flowKey}`, count);
  for (let parity = 0; parity < step; parity++) {
    for (let i = 0; i < count; i++) {
      const port = first + parity + ((start + i) % count) * step;
      if (!taken(port)) return port;
    }
  }
  return undefined;
}

/** Names a connection or association of one namespace by its two ends. */
export function endsKey(local: Endpoint, remote: Endpoint): string {
  return `${local.address}:${local.port}-${remote.address}:${remote.port}`;
}
