import { formatAddress } from "../wire/address.ts";
import { broadcastMac, isGroupMac } from "../wire/mac.ts";
import { receiveArp } from "./arp.ts";
import { receiveOnBridgePort } from "./bridge.ts";
import type { Device } from "./device.ts";
import { drop } from "./drop.ts";
import { receiveIp } from "./ip/input.ts";
import type { NetworkNamespace } from "./namespace.ts";
import { type ArpSkb, type Skb, isArp } from "./skb.ts";

/** A frame arrives at the namespace by a wired device: the first thing that happens to it here. */
export function receiveFrame(ns: NetworkNamespace, device: Device, skb: Skb | ArpSkb): void {
  enter(ns, device, skb);
  receiveOnDevice(ns, device, skb);
}

function enter(ns: NetworkNamespace, device: Device, skb: Skb | ArpSkb): void {
  const { track } = skb;
  if (track === undefined) return;
  track.enter(
    { namespace: ns.name, ...(ns.node !== undefined && { node: ns.node }), device: device.name },
    {
      body: isArp(skb) ? skb.arp : skb.packet,
      ...(skb.srcMac !== undefined && { srcMac: skb.srcMac }),
      ...(skb.dstMac !== undefined && { dstMac: skb.dstMac }),
      ...(!isArp(skb) && { mark: skb.mark }),
    },
  );
}

/** What was sent to the loopback comes in again, with its connection and mark (loopback_xmit). */
export function receiveFromLoopback(ns: NetworkNamespace, device: Device, skb: Skb): void {
  enter(ns, device, skb);
  skb.packetType = "host";
  recordReceive(device, skb);
  deliverUp(ns, device, skb);
}

/** A frame comes in by a device of this namespace: a wire's end, or the inner side of a tunnel. */
export function receiveOnDevice(ns: NetworkNamespace, device: Device, skb: Skb | ArpSkb): void {
  if (!device.up) return drop(skb, "DEVICE_DOWN", `${device.name} is down.`);
  skb.packetType = packetTypeOf(device, skb);
  recordReceive(device, skb);
  if (device.port === undefined) deliverUp(ns, device, skb);
  else receiveOnBridgePort(ns, device, device.port, skb);
}

/** eth_type_trans(). */
function packetTypeOf(device: Device, skb: Skb | ArpSkb): Skb["packetType"] {
  const { dstMac } = skb;
  if (dstMac === undefined || dstMac === device.mac) return "host";
  if (!isGroupMac(dstMac)) return "other-host";
  return dstMac === broadcastMac ? "broadcast" : "multicast";
}

/** Records that a device received the frame, and whether it is for the device's own MAC. */
export function recordReceive(device: Device, skb: Skb | ArpSkb): void {
  const { track } = skb;
  if (track === undefined) return;
  const other = skb.packetType === "other-host";
  track.step({
    kind: "device",
    action: other ? "other-host" : "receive",
    device: device.name,
    ...(device.owner && { owner: device.owner }),
    // A bridge port hands on what is addressed to others; only the rest of the devices ignore it.
    ...(other &&
      device.port !== undefined && {
        text: `${device.name} takes the frame for ${skb.dstMac} in and hands it to bridge ${device.port.bridge.name}.`,
      }),
  });
}

/** Past the link layer: ARP or IP. */
export function deliverUp(ns: NetworkNamespace, device: Device, skb: Skb | ArpSkb): void {
  if (skb.packetType === "other-host") return drop(skb, "OTHER_HOST");
  if (isArp(skb)) return receiveArp(ns, device, skb);
  if (typeof skb.packet.dst === "bigint" && ns.sysctls.device(device.name).disabled6) {
    return drop(skb, "IPV6_DISABLED", `${formatAddress(skb.packet.dst)}: IPv6 is switched off on ${device.name}.`);
  }
  skb.inDevice = device;
  receiveIp(ns, device, skb);
}
