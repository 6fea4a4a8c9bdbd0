import type { Address } from "../../wire/address.ts";
import type { NetworkNamespace } from "../namespace.ts";
import type { NextHopException } from "./state.ts";

/** What ICMP taught about the way to `dst`, while it holds: find_exception(). */
export function exceptionOf(ns: NetworkNamespace, dst: Address): NextHopException | undefined {
  const { exceptions } = ns.ip;
  if (exceptions.size === 0) return undefined;
  const known = exceptions.get(dst);
  if (known === undefined || known.expiresAtNanos > ns.surroundings.clock.nowNanos()) return known;
  exceptions.delete(dst);
  return undefined;
}

/** Adds to what is known of a destination: update_or_create_fnhe(). */
export function learnException(
  ns: NetworkNamespace,
  dst: Address,
  learned: Omit<NextHopException, "expiresAtNanos">,
  lifetimeNanos: number,
): void {
  const expiresAtNanos = ns.surroundings.clock.nowNanos() + lifetimeNanos;
  ns.ip.exceptions.set(dst, { ...exceptionOf(ns, dst), ...learned, expiresAtNanos });
}
