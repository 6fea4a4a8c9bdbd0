import type { Address } from "../../wire/address.ts";
import { nanosPerSecond } from "../clock.ts";
import type { NetworkNamespace } from "../namespace.ts";

/**
 * A host that ICMP errors go to (struct inet_peer). One purse of tokens pays for all kinds of them, each kind with a
 * limit of its own, so that one kind can use up what another would have needed.
 */
export interface Peer {
  tokensNanos: number;
  lastNanos: number;
  /** Redirects sent in a row. */
  redirects: number;
}

/** A new peer has a minute's worth of tokens (inet_getpeer). */
const newPeerNanos = 60 * nanosPerSecond;

export function peerOf(ns: NetworkNamespace, address: Address): Peer {
  let peer = ns.ip.peers.get(address);
  if (peer === undefined) {
    peer = { tokensNanos: 0, lastNanos: ns.surroundings.clock.nowNanos() - newPeerNanos, redirects: 0 };
    ns.ip.peers.set(address, peer);
  }
  return peer;
}

/** Takes `costNanos` out of the purse, which holds `mostNanos`; false when it is not in there. */
function pay(peer: Peer, nowNanos: number, costNanos: number, mostNanos: number): boolean {
  if (peer.lastNanos !== nowNanos) {
    peer.tokensNanos = Math.min(peer.tokensNanos + nowNanos - peer.lastNanos, mostNanos);
    peer.lastNanos = nowNanos;
  }
  if (peer.tokensNanos < costNanos) return false;
  peer.tokensNanos -= costNanos;
  return true;
}

/** XRLIM_BURST_FACTOR. */
const burstFactor = 6;

/** One ICMP message each `limitNanos`, six at once: inet_peer_xrlim_allow(). */
export function allowsIcmp(ns: NetworkNamespace, to: Address, limitNanos: number): boolean {
  return pay(peerOf(ns, to), ns.surroundings.clock.nowNanos(), limitNanos, burstFactor * limitNanos);
}

/** Errors about packets that no route takes: one a second, five at once, whatever icmp_ratelimit says. ip_error(). */
export function allowsRouteError(ns: NetworkNamespace, to: Address): boolean {
  return pay(peerOf(ns, to), ns.surroundings.clock.nowNanos(), nanosPerSecond, 5 * nanosPerSecond);
}

const redirectLoadNanos = nanosPerSecond / 50;
const redirectNumber = 9;

/** Whether a redirect is sent now: ever more rarely, and not after nine that were ignored. ip_rt_send_redirect(). */
export function allowsRedirect(ns: NetworkNamespace, to: Address): boolean {
  const now = ns.surroundings.clock.nowNanos();
  const peer = peerOf(ns, to);
  if (now - peer.lastNanos > redirectLoadNanos * 2 ** 10) {
    peer.tokensNanos = 0;
    peer.redirects = 0;
  }
  if (peer.redirects >= redirectNumber) {
    peer.lastNanos = now;
    return false;
  }
  return peer.redirects === 0 || now - peer.lastNanos > redirectLoadNanos * 2 ** peer.redirects;
}

/** Notes that a redirect was sent. */
export function redirected(ns: NetworkNamespace, to: Address): void {
  const peer = peerOf(ns, to);
  peer.lastNanos = ns.surroundings.clock.nowNanos();
  peer.redirects++;
}
