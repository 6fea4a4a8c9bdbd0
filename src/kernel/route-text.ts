import { formatAddress } from "../wire/address.ts";
import { addressBits, formatCidr } from "../wire/cidr.ts";
import type { Route } from "./fib.ts";

/** A route as `ip route` prints it. */
export function formatRoute(route: Route): string {
  const { destination } = route;
  const bits = addressBits(destination.base);
  const parts: string[] = route.type === "unicast" ? [] : [route.type];
  if (destination.prefixLength === 0) parts.push("default");
  else parts.push(destination.prefixLength === bits ? formatAddress(destination.base) : formatCidr(destination));
  if (route.nexthopId !== undefined) parts.push("nhid", String(route.nexthopId));
  if (route.via !== undefined) parts.push(...viaWords(route));
  if (route.device !== undefined) parts.push("dev", route.device);
  if (route.protocol !== "boot") parts.push("proto", route.protocol);
  if (route.scope !== "global") parts.push("scope", route.scope);
  if (route.source !== undefined) parts.push("src", formatAddress(route.source));
  if (route.metric !== 0) parts.push("metric", String(route.metric));
  if (route.mtu !== undefined) parts.push("mtu", ...(route.mtuLocked === true ? ["lock"] : []), String(route.mtu));
  if (route.onlink) parts.push("onlink");
  return parts.join(" ");
}

/** The next hops of a multipath route, each as `ip route` prints it on a line of its own. */
export function formatPaths({ paths = [] }: Route): string[] {
  return paths.map(({ weight, route }) => {
    const onlink = route.onlink ? " onlink" : "";
    const via = route.via === undefined ? "" : `${viaWords(route).join(" ")} `;
    return `nexthop ${via}dev ${route.device} weight ${weight}${onlink}`;
  });
}

/** An IPv4 route may go by an IPv6 gateway (RFC 5549). */
function viaWords({ via, destination }: Route): string[] {
  if (via === undefined) return [];
  return ["via", ...(typeof via === typeof destination.base ? [] : ["inet6"]), formatAddress(via)];
}
