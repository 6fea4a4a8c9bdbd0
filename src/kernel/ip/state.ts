import type { Address } from "../../wire/address.ts";
import type { Timer } from "../clock.ts";
import type { Skb } from "../skb.ts";
import type { Peer } from "./peer.ts";

/** What the IP layer of a namespace remembers between packets. */
export interface IpState {
  /** Next IPv4 identification for packets the stack makes itself. */
  nextId: number;
  /** What ICMP taught about the way to a destination. */
  readonly exceptions: Map<Address, NextHopException>;
  /** Fragments that wait for the rest of their datagram. */
  readonly fragments: Map<string, FragmentQueue>;
  /** Whom ICMP errors were sent to, and at what pace. */
  readonly peers: Map<Address, Peer>;
}

/** A destination that does not go as its route says (struct fib_nh_exception). */
export interface NextHopException {
  /** Path MTU, bytes. */
  readonly mtu?: number;
  /** It is below min_pmtu, so packets may be fragmented on the way. */
  readonly mtuLocked?: boolean;
  /** What a redirect named. */
  readonly gateway?: Address;
  readonly expiresAtNanos: number;
}

export interface FragmentQueue {
  readonly pieces: Skb[];
  /** Runs out when the rest does not come. */
  readonly timer: Timer;
}

export function createIpState(): IpState {
  return { nextId: 1, exceptions: new Map(), fragments: new Map(), peers: new Map() };
}

/** An identification for a packet made here; 16 bits. */
export function nextIdentification(state: IpState): number {
  state.nextId = (state.nextId + 1) & 0xffff;
  return state.nextId;
}
