import type { PacketRecorder } from "../trace/recorder.ts";
import { transmitOnBridge } from "./bridge.ts";
import type { Device, ForeignDevice } from "./device.ts";
import { drop } from "./drop.ts";
import { transmitIpip } from "./ipip.ts";
import type { NetworkNamespace } from "./namespace.ts";
import { receiveFromLoopback } from "./receive.ts";
import { type ArpSkb, type Skb, isArp } from "./skb.ts";
import { transmitVxlan } from "./vxlan.ts";

/** Hands a finished frame to a device: dev_queue_xmit(). */
export function transmit(ns: NetworkNamespace, device: Device, skb: Skb | ArpSkb): void {
  if (!device.up) return drop(skb, "DEVICE_DOWN", `${device.name} is down.`);
  if (!hasCarrier(ns, device)) return drop(skb, "LINK_DOWN", `${device.name} has no carrier.`);
  if (skb.track !== undefined) recordTransmit(device, skb.track);
  switch (device.kind) {
    case "loopback":
      if (!isArp(skb)) ns.surroundings.clock.after(0, () => receiveFromLoopback(ns, device, skb));
      return;
    case "veth":
    case "physical":
      ns.surroundings.wire.transmit(ns, device, skb);
      return;
    case "bridge":
      transmitOnBridge(ns, device, skb);
      return;
    case "vxlan":
      transmitVxlan(ns, device, skb);
      return;
    case "ipip":
      if (!isArp(skb)) transmitIpip(ns, device, skb);
      return;
    case "foreign":
      return endAsUnknown(ns, device, skb.track);
    case "dummy":
      drop(skb, "DUMMY_DEVICE", `${device.name} is a dummy device: it swallows what is sent to it.`);
      return;
  }
}

/** Without one a device has no queue that takes packets: netif_carrier_off(), br_device_event(). */
function hasCarrier(ns: NetworkNamespace, device: Device): boolean {
  const { wire } = ns.surroundings;
  if (wire.hasCarrier === undefined) return true;
  if (device.kind === "veth") return wire.hasCarrier(device);
  if (device.kind !== "bridge") return true;
  return device.ports.some((name) => {
    const port = ns.devices.get(name);
    return port?.up === true && hasCarrier(ns, port);
  });
}

/** Nobody knows what is behind the device: not even that nothing happens. */
function endAsUnknown(ns: NetworkNamespace, { name, type }: ForeignDevice, track: PacketRecorder | undefined): void {
  const what =
    type === "veth" || type === "physical"
      ? `it is not known what ${name} of ${ns.name} is connected to`
      : `${name} of ${ns.name} is a ${type} device, and what is behind it is not modelled`;
  track?.step({ kind: "drop", code: "FOREIGN_DEVICE", text: `The packet leaves the model: ${what}.` });
  track?.verdict("unknown");
}

function recordTransmit(device: Device, track: PacketRecorder): void {
  const peer =
    (device.kind === "veth" || device.kind === "physical") && device.peer !== undefined
      ? `${device.peer.namespace}/${device.peer.device}`
      : undefined;
  track.step({
    kind: "device",
    action: "transmit",
    device: device.name,
    ...(peer !== undefined && { peer }),
    ...(device.owner && { owner: device.owner }),
  });
}
