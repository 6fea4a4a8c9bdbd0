import { nanosPerSecond } from "../kernel/clock.ts";
import { sendIcmpError } from "../kernel/icmp.ts";
import { sendPacket } from "../kernel/ip/output.ts";
import { nextIdentification } from "../kernel/ip/state.ts";
import type { HookState } from "../kernel/netfilter.ts";
import { type ConntrackInfo, type Skb, createSkb } from "../kernel/skb.ts";
import { transmit } from "../kernel/transmit.ts";
import { type Packet, type TcpSegment, emptyPayload, payloadBytes } from "../wire/packet.ts";
import { type RejectTarget, rejectErrors } from "./targets/reject.ts";

/** Answers a packet that a REJECT rule has ended. net/ipv4/netfilter/nf_reject_ipv4.c, its IPv6 twin. */
export function sendRejection({ namespace, skb }: HookState, target: RejectTarget): void {
  if (target.with === "tcp-reset") return sendReset(namespace, skb);
  const [type, code] = rejectErrors[target.with];
  if (!sendIcmpError(namespace, skb, { type, code })) skb.track?.verdict("dropped");
}

/** A reset, as the addressed host would send it (RFC 9293, 3.5.2); never to a reset. */
function sendReset(namespace: HookState["namespace"], skb: Skb): void {
  const { packet, track } = skb;
  const { transport } = packet;
  if (transport.protocol !== "tcp" || transport.flags.rst === true || (packet.fragment?.offset ?? 0) > 0) {
    track?.verdict("dropped");
    return;
  }
  const { flags } = transport;
  const reset: TcpSegment = {
    protocol: "tcp",
    srcPort: transport.dstPort,
    dstPort: transport.srcPort,
    flags: flags.ack === true ? { rst: true } : { rst: true, ack: true },
    seq: flags.ack === true ? transport.ack : 0,
    ack:
      flags.ack === true
        ? 0
        : transport.seq + payloadBytes(packet.payload) + (flags.syn === true ? 1 : 0) + (flags.fin === true ? 1 : 0),
    noOptions: true,
  };
  const answer: Packet = {
    kind: "ip",
    src: packet.dst,
    dst: packet.src,
    ttl: namespace.sysctls.get("net.ipv4.ip_default_ttl"),
    dontFragment: true,
    id: nextIdentification(namespace.ip),
    transport: reset,
    payload: emptyPayload,
  };
  if (skb.conntrack !== undefined) close(namespace, skb.conntrack);
  const child = track?.child("TCP reset", track.packet.direction === "original" ? "reply" : "original");
  // What came over a bridge port goes back by that port as it is, past all hooks (nf_bridge_info_exists).
  if (skb.bridge !== undefined) {
    const { physIn } = skb.bridge;
    const frame = createSkb({ packet: answer, flowKey: `${skb.flowKey}/reset`, track: child });
    frame.srcMac = skb.dstMac;
    frame.dstMac = skb.srcMac;
    child?.enter(
      { namespace: namespace.name, ...(namespace.node !== undefined && { node: namespace.node }) },
      {
        body: answer,
        ...(frame.srcMac !== undefined && { srcMac: frame.srcMac }),
        ...(frame.dstMac !== undefined && { dstMac: frame.dstMac }),
      },
    );
    return transmit(namespace, physIn, frame);
  }
  const { conntrack } = skb;
  sendPacket(namespace, answer, {
    flowKey: `${skb.flowKey}/reset`,
    track: child,
    // The reset belongs to the connection of its cause, the other way round (nf_ct_attach).
    conntrack: conntrack && {
      entry: conntrack.entry,
      direction: conntrack.direction === "original" ? "reply" : "original",
      state: "related",
    },
  });
}

/** The connection is over, as conntrack knows before the reset is on its way (nf_ct_set_closing). */
function close({ surroundings, sysctls }: HookState["namespace"], { entry }: ConntrackInfo): void {
  if (entry.tcpState === "CLOSE") return;
  entry.tcpState = "CLOSE";
  const seconds = sysctls.get("net.netfilter.nf_conntrack_tcp_timeout_close");
  entry.expiresAtNanos = surroundings.clock.nowNanos() + seconds * nanosPerSecond;
}
