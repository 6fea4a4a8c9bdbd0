import type { Address } from "../../wire/address.ts";
import type { Timer } from "../clock.ts";
import type { Skb } from "../skb.ts";

/** What the IP layer of a namespace remembers between packets. */
export interface IpState {
  /** Next IPv4 identification for packets the stack makes itself. */
  nextId: number;
  /** Path MTUs learned from ICMP, by destination (next-hop exceptions). */
  readonly pathMtus: Map<Address, { readonly mtu: number; readonly expiresAtNanos: number }>;
  /** Fragments that wait for the rest of their datagram. */
  readonly fragments: Map<string, FragmentQueue>;
  /** ICMP errors each destination may still be sent (token bucket, nanoseconds). */
  readonly icmpTokens: Map<Address, { tokens: number; lastNanos: number }>;
  /** How often and when a sender was told of a better gateway (struct inet_peer). */
  readonly redirects: Map<Address, { count: number; lastNanos: number }>;
}

export interface FragmentQueue {
  readonly pieces: Skb[];
  /** Runs out when the rest does not come. */
  readonly timer: Timer;
}

export function createIpState(): IpState {
  return { nextId: 1, pathMtus: new Map(), fragments: new Map(), redirects: new Map(), icmpTokens: new Map() };
}

/** An identification for a packet made here; 16 bits. */
export function nextIdentification(state: IpState): number {
  state.nextId = (state.nextId + 1) & 0xffff;
  return state.nextId;
}
