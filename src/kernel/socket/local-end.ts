import { type Address, type Family, familyOf } from "../../wire/address.ts";
import { addressType, lookupOutput } from "../ip/route.ts";
import { sourceForRoute } from "../ip/source-address.ts";
import type { NetworkNamespace } from "../namespace.ts";
import type { SocketError, SocketOptions } from "./api.ts";

/** The address a socket sends from towards `dst`: the bound one, or the route's choice. Else why it cannot. */
export function chooseSource(
  ns: NetworkNamespace,
  dst: Address,
  options: Pick<SocketOptions, "source" | "mark">,
): Address | SocketError {
  const { source, mark = 0 } = options;
  if (source !== undefined && addressType(ns, source) !== "LOCAL") return { errno: "EADDRNOTAVAIL" };
  const routed = lookupOutput(ns, { dst, mark, ...(source !== undefined && { src: source }) });
  if (routed.kind === "none") return { errno: routed.errno };
  return source ?? sourceForRoute(ns, routed.to, dst) ?? { errno: "EADDRNOTAVAIL" };
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

export function ttlTowards(ns: NetworkNamespace, dst: Address, options: Pick<SocketOptions, "ttl">): number {
  return options.ttl ?? defaultTtl(ns, familyOf(dst));
}

/** Bounds of net.ipv4.ip_local_port_range. */
const range = { first: 32_768, last: 60_999 };

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
  const step = protocol === "tcp" ? 2 : 1;
  const count = Math.floor((range.last - range.first + 1) / step);
  const start = ns.surroundings.chance.integer(`${ns.name}:port:${flowKey}`, count);
  for (let parity = 0; parity < step; parity++) {
    for (let i = 0; i < count; i++) {
      const port = range.first + parity + ((start + i) % count) * step;
      if (!taken(port)) return port;
    }
  }
  return undefined;
}
