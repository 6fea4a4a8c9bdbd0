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
  if (route.via !== undefined) parts.push("via", formatAddress(route.via));
  if (route.device !== undefined) parts.push("dev", route.device);
  if (route.protocol !== "boot") parts.push("proto", route.protocol);
  if (route.scope !== "global") parts.push("scope", route.scope);
  if (route.source !== undefined) parts.push("src", formatAddress(route.source));
  if (route.metric !== 0) parts.push("metric", String(route.metric));
  if (route.mtu !== undefined) parts.push("mtu", String(route.mtu));
  if (route.onlink) parts.push("onlink");
  return parts.join(" ");
}
