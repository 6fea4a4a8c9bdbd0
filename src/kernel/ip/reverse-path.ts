import type { Address } from "../../wire/address.ts";
import type { Device } from "../device.ts";
import { type Route, gatewayOf, usesDevice } from "../fib.ts";
import type { NetworkNamespace } from "../namespace.ts";
import type { InputKey } from "./route.ts";

/** The source is fine; `direct`: it lives on the link itself, so a redirect would reach it. */
export interface ValidSource {
  readonly direct: boolean;
}

const valid: ValidSource = { direct: false };

const refusals: readonly Route["type"][] = ["blackhole", "unreachable", "prohibit"];

/**
 * Whether a packet's source address may come in by its device: fib_validate_source(), net/ipv4/fib_frontend.c.
 * `out` is the device the packet would leave by; a refusal is a drop code.
 */
export function validateSource(
  ns: NetworkNamespace,
  key: InputKey,
  out: Device | undefined,
): ValidSource | "MARTIAN_SOURCE" | "RP_FILTER" {
  const { device, src } = key;
  const settings = ns.sysctls.device(device.name);
  if (settings.rpFilter === 0 && (device !== out || !settings.sendRedirects) && !hasCustomRules(ns)) {
    return settings.acceptLocal || !isOwnAddress(ns, src) ? valid : "MARTIAN_SOURCE";
  }
  const mark = settings.srcValidMark ? key.mark : 0;
  // The question is asked the other way round: how would an answer go?
  const reverse = { dst: src, src: key.dst, mark, inDevice: out?.name ?? "lo" };
  const found = ns.fib.ipv4.lookup(reverse);
  // A route or rule that refuses is an error of the lookup (fib_props), as if there were none.
  if (found === undefined || refusals.includes(found.route.type)) return settings.rpFilter === 0 ? valid : "RP_FILTER";
  const { route } = found;
  if (route.type !== "unicast" && !(route.type === "local" && settings.acceptLocal)) return "MARTIAN_SOURCE";
  if (usesDevice(route, device.name)) return { direct: isDirect(route) };
  if (device.addresses.length === 0) return settings.rpFilter === 0 ? valid : "RP_FILTER";
  if (settings.rpFilter === 1) return "RP_FILTER";
  const byDevice = ns.fib.ipv4.lookup({ ...reverse, outDevice: device.name });
  return { direct: byDevice?.route.type === "unicast" && isDirect(byDevice.route) };
}

/** The next hop's scope is "host": no gateway in between (nhc_scope). */
function isDirect(route: Route): boolean {
  return gatewayOf(route.paths?.[0]?.route ?? route) === undefined;
}

function hasCustomRules(ns: NetworkNamespace): boolean {
  return ns.fib.ipv4.rules.length > 3;
}

function isOwnAddress(ns: NetworkNamespace, address: Address): boolean {
  return ns.fib.ipv4.lookupIn("local", address)?.type === "local";
}
