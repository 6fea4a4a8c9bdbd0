import { formatAddress } from "../wire/address.ts";
import { zeroMac } from "../wire/mac.ts";
import type { Packet } from "../wire/packet.ts";
import type { IpipDevice } from "./device.ts";
import { drop } from "./drop.ts";
import { sendPacket } from "./ip/output.ts";
import { lookupOutput } from "./ip/route.ts";
import { sourceForRoute } from "./ip/source-address.ts";
import { nextIdentification } from "./ip/state.ts";
import type { NetworkNamespace } from "./namespace.ts";
import { receiveOnDevice } from "./receive.ts";
import { type Skb, createSkb, tunnelDepth, tunnelLimit } from "./skb.ts";

const ipipProtocol = 4;

/**
 * Wraps a packet into another IP header: ip_tunnel_xmit(), RFC 2003. Without a fixed remote end the gateway of
 * the inner route is the remote end, as Calico uses it.
 */
export function transmitIpip(ns: NetworkNamespace, device: IpipDevice, skb: Skb): void {
  const remote = device.remote ?? skb.route?.nextHop;
  const routed = remote === undefined ? undefined : lookupOutput(ns, { dst: remote, mark: 0 });
  if (remote === undefined || routed?.kind !== "routed") return drop(skb, "TUNNEL_NO_REMOTE");
  if (routed.to.device === device || tunnelDepth(skb) >= tunnelLimit) return drop(skb, "TUNNEL_LOOP");
  const local = device.local ?? sourceForRoute(ns, routed.to, remote);
  if (local === undefined) return drop(skb, "TUNNEL_NO_REMOTE");
  const outer: Packet = {
    kind: "ip",
    src: local,
    dst: remote,
    // "ttl inherit": the inner TTL.
    ttl: skb.packet.ttl,
    dontFragment: true,
    id: nextIdentification(ns.ip),
    transport: { protocol: "other", number: ipipProtocol },
    payload: { kind: "ip", packet: skb.packet },
  };
  skb.track?.step({
    kind: "tunnel",
    action: "encapsulate",
    tunnel: device.name,
    local: formatAddress(local),
    remote: formatAddress(remote),
  });
  sendPacket(ns, outer, {
    flowKey: `${skb.flowKey}/ipip`,
    track: skb.track?.child("outer packet of the tunnel"),
    inner: skb,
    tunnel: device,
    mark: skb.mark,
  });
}

/** Takes the inner packet out: ipip_rcv(). */
export function receiveIpip(ns: NetworkNamespace, skb: Skb, packet: Packet): void {
  const { src } = skb.packet;
  const tunnels = [...ns.devices.values()].filter(
    (device): device is IpipDevice => device.kind === "ipip" && device.up,
  );
  const device =
    tunnels.find((tunnel) => tunnel.remote === src) ?? tunnels.find((tunnel) => tunnel.remote === undefined);
  if (device === undefined) return drop(skb, "TUNNEL_NO_DEVICE");
  skb.track?.step({
    kind: "tunnel",
    action: "decapsulate",
    tunnel: device.name,
    remote: formatAddress(src),
  });
  skb.track?.verdict("delivered");
  const { inner } = skb;
  const taken = createSkb({
    packet,
    mark: skb.mark,
    flowKey: inner?.flowKey ?? skb.flowKey,
    srcMac: zeroMac,
    dstMac: zeroMac,
    track: inner?.track ?? skb.track?.child("inner packet of the tunnel"),
  });
  taken.track?.enter(
    { namespace: ns.name, ...(ns.node !== undefined && { node: ns.node }), device: device.name },
    { body: packet, ...(skb.mark !== 0 && { mark: skb.mark }) },
  );
  receiveOnDevice(ns, device, taken);
}
