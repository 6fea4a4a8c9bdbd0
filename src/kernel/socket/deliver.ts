import type { Packet } from "../../wire/packet.ts";
import type { NetworkNamespace } from "../namespace.ts";
import type { Skb } from "../skb.ts";

/** Hands a packet that is for this namespace to its socket; without one it is refused as its protocol demands. */
export function deliverLocal(ns: NetworkNamespace, skb: Skb): void {
  ns.sockets.receive(skb);
}

/** Tells the socket whose packet an ICMP error quotes. `packet` is the one that carries the error. */
export function deliverIcmpError(ns: NetworkNamespace, packet: Packet): void {
  ns.sockets.receiveError(packet);
}
