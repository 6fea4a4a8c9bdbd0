import { formatAddress } from "../../wire/address.ts";
import { type Packet, headerBytes, packetBytes, protocolNumber } from "../../wire/packet.ts";
import { nanosPerSecond } from "../clock.ts";
import { drop } from "../drop.ts";
import { sendIcmpError } from "../icmp.ts";
import type { NetworkNamespace } from "../namespace.ts";
import { type HookEntry, priorities } from "../netfilter.ts";
import type { Skb } from "../skb.ts";
import { lookupInput } from "./route.ts";

/**
 * Puts fragments together: ip_defrag(). A whole packet comes back as it is; a fragment is kept until the last
 * one is there, whose skb then holds the whole datagram. Undefined: kept.
 */
export function reassemble(ns: NetworkNamespace, skb: Skb): Skb | undefined {
  const { packet } = skb;
  if (packet.fragment === undefined) return skb;
  const key = `${formatAddress(packet.src)} ${formatAddress(packet.dst)} ${protocolNumber(packet.transport)} ${packet.id}`;
  let queue = ns.ip.fragments.get(key);
  if (queue === undefined) {
    const seconds = ns.sysctls.get(typeof packet.src === "number" ? "net.ipv4.ipfrag_time" : "net.ipv6.ip6frag_time");
    const timer = ns.surroundings.clock.after(seconds * nanosPerSecond, () => expire(ns, key));
    ns.ip.fragments.set(key, (queue = { pieces: [], timer }));
  }
  queue.pieces.push(skb);
  if (!complete(queue.pieces)) return undefined;
  queue.timer.cancel();
  ns.ip.fragments.delete(key);
  return join(ns, skb, queue.pieces);
}

/** An end host that has the first fragment tells the sender: ip_expire(), ip6frag_expire_frag_queue(). */
function expire(ns: NetworkNamespace, key: string): void {
  const pieces = ns.ip.fragments.get(key)?.pieces ?? [];
  ns.ip.fragments.delete(key);
  for (const piece of pieces) drop(piece, "FRAGMENT_TIMEOUT");
  const first = pieces.find((piece) => offsetOf(piece) === 0);
  const device = first?.inDevice;
  if (first === undefined || device === undefined) return;
  const { src, dst } = first.packet;
  const routed = lookupInput(ns, { src, dst, mark: first.mark, device, inDevice: device.name });
  if (routed.kind === "none" || routed.to.kind !== "local") return;
  first.route = routed.to;
  if (sendIcmpError(ns, first, typeof dst === "number" ? { type: 11, code: 1 } : { type: 3, code: 1 })) {
    first.track?.verdict("rejected");
  }
}

function offsetOf(skb: Skb): number {
  return skb.packet.fragment?.offset ?? 0;
}

function dataBytes({ packet }: Skb): number {
  return packetBytes(packet) - headerBytes(packet);
}

/** No gap from offset 0 to the fragment that says it is the last. */
function complete(pieces: Skb[]): boolean {
  pieces.sort((a, b) => offsetOf(a) - offsetOf(b));
  let end = 0;
  for (const piece of pieces) {
    if (offsetOf(piece) > end) return false;
    end = Math.max(end, offsetOf(piece) + dataBytes(piece));
  }
  return pieces.at(-1)?.packet.fragment?.more === false;
}

function join(ns: NetworkNamespace, last: Skb, pieces: readonly Skb[]): Skb {
  const first = pieces[0] as Skb;
  const { fragment: _cut, ...header } = first.packet;
  const whole: Packet = {
    ...header,
    transport: first.datagram?.packet.transport ?? header.transport,
    payload: first.datagram?.packet.payload ?? {
      kind: "bytes",
      length: pieces.reduce((sum, piece) => sum + dataBytes(piece), 0),
    },
  };
  for (const piece of pieces) {
    piece.track?.step({
      kind: "device",
      action: "reassemble",
      device: last.inDevice?.name ?? "",
    });
    piece.track?.verdict("delivered");
  }
  last.fragMaxSize = Math.max(...pieces.map(({ packet }) => packetBytes(packet)));
  last.packet = whole;
  last.track = first.datagram?.track;
  last.datagram = undefined;
  last.track?.enter(
    {
      namespace: ns.name,
      ...(ns.node !== undefined && { node: ns.node }),
      ...(last.inDevice && { device: last.inDevice.name }),
    },
    {
      body: whole,
      mark: last.mark,
      ...(last.srcMac !== undefined && { srcMac: last.srcMac }),
      ...(last.dstMac !== undefined && { dstMac: last.dstMac }),
    },
  );
  return last;
}

/**
 * Connection tracking needs whole packets: the hook function that puts them together before it
 * (nf_defrag_ipv4, nf_defrag_ipv6). Register it at PREROUTING and OUTPUT with conntrack.
 */
export function defragmentHook(): HookEntry {
  return {
    name: "defrag",
    priority: priorities.defrag,
    run: ({ namespace, skb }) => (reassemble(namespace, skb) === undefined ? "stolen" : "accept"),
  };
}
