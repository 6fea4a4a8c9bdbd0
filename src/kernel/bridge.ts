import { type Mac, broadcastMac, isGroupMac } from "../wire/mac.ts";
import { packetBytes } from "../wire/packet.ts";
import { bridgeForward, bridgePostrouting, bridgePrerouting, netfilterCalled } from "./bridge-netfilter.ts";
import type { BridgeDevice, BridgePort, Device } from "./device.ts";
import { drop } from "./drop.ts";
import { transmitFragments } from "./ip/fragment-output.ts";
import type { NetworkNamespace } from "./namespace.ts";
import { deliverUp, recordReceive } from "./receive.ts";
import { type ArpSkb, type Skb, isArp } from "./skb.ts";
import { transmit } from "./transmit.ts";

/** A frame came in by a port: br_handle_frame(), net/bridge/br_input.c. */
export function receiveOnBridgePort(ns: NetworkNamespace, device: Device, port: BridgePort, skb: Skb | ArpSkb): void {
  const { bridge } = port;
  if (!bridge.up) return drop(skb, "DEVICE_DOWN", `The bridge ${bridge.name} is down.`);
  if (port.disabled) return drop(skb, "BRIDGE_PORT_DISABLED");
  if (skb.dstMac === bridge.mac) skb.packetType = "host";
  if (!isArp(skb) && netfilterCalled(ns, bridge, skb)) {
    bridgePrerouting(ns, device, bridge, skb, () => switchFrame(ns, device, port, skb));
  } else switchFrame(ns, device, port, skb);
}

/** Learning and the decision where a frame goes: br_handle_frame_finish(). */
export function switchFrame(ns: NetworkNamespace, device: Device, port: BridgePort, skb: Skb | ArpSkb): void {
  const { bridge } = port;
  if (port.learning && skb.srcMac !== undefined) learn(ns, bridge, device, skb, skb.srcMac);
  const dstMac = skb.dstMac as Mac;
  const entry = lookup(ns, bridge, dstMac);
  if (entry === undefined) return flood(ns, bridge, device, skb, bridge.promiscuous || isGroupMac(dstMac));
  if (entry.permanent) return passUp(ns, bridge, device, skb);
  const to = ns.devices.get(entry.port);
  if (!bridge.promiscuous) {
    if (to !== undefined) forward(ns, bridge, device, to, skb);
    return;
  }
  // A promiscuous bridge passes a copy on, and then takes the frame itself (deliver_clone).
  if (to !== undefined) forward(ns, bridge, device, to, copyOf(ns, skb, device, "copy by the promiscuous bridge"));
  forgetConnection(skb);
  passUp(ns, bridge, device, skb);
}

/** What a promiscuous bridge takes for itself belongs to no connection: br_nf_local_in(). */
function forgetConnection(skb: Skb | ArpSkb): void {
  if (!isArp(skb)) skb.conntrack = undefined;
}

/** A frame the node itself sends by the bridge device: br_dev_xmit(). */
export function transmitOnBridge(ns: NetworkNamespace, bridge: BridgeDevice, skb: Skb | ArpSkb): void {
  const info = isArp(skb) ? undefined : skb.bridge;
  if (info?.bridgedDnat === true && info.physIn.port !== undefined) {
    info.bridgedDnat = false;
    return switchFrame(ns, info.physIn, info.physIn.port, skb);
  }
  const entry = lookup(ns, bridge, skb.dstMac as Mac);
  if (entry === undefined) return flood(ns, bridge, undefined, skb, false);
  const to = ns.devices.get(entry.port);
  if (to === undefined || to === bridge) return drop(skb, "BRIDGE_NO_PORT");
  forward(ns, bridge, undefined, to, skb);
}

function lookup(
  ns: NetworkNamespace,
  bridge: BridgeDevice,
  mac: Mac,
): { port: string; permanent: boolean } | undefined {
  if (mac === bridge.mac) return { port: bridge.name, permanent: true };
  const entry = bridge.fdb.get(mac);
  if (entry === undefined || entry.permanent) return entry;
  return ns.surroundings.clock.nowNanos() - entry.updatedAtNanos > bridge.ageingNanos ? undefined : entry;
}

function learn(ns: NetworkNamespace, bridge: BridgeDevice, device: Device, skb: Skb | ArpSkb, mac: Mac): void {
  const now = ns.surroundings.clock.nowNanos();
  const entry = bridge.fdb.get(mac);
  const before = entry?.port;
  if (entry?.permanent === true || (entry === undefined && isGroupMac(mac))) return;
  if (entry === undefined) bridge.fdb.set(mac, { mac, port: device.name, permanent: false, updatedAtNanos: now });
  else {
    entry.port = device.name;
    entry.updatedAtNanos = now;
  }
  if (before === device.name || skb.track === undefined) return;
  skb.track.step({
    kind: "bridge",
    action: "learn",
    bridge: bridge.name,
    inPort: device.name,
    mac,
    stateChanges: [
      {
        table: "fdb",
        action: before === undefined ? "add" : "update",
        key: `${bridge.name} ${mac}`,
        ...(before !== undefined && { before: `dev ${before}` }),
        after: `dev ${device.name}`,
      },
    ],
  });
}

/** should_deliver(), net/bridge/br_forward.c: undefined when the port may send the frame. */
function refusal(
  from: Device | undefined,
  to: Device,
): "BRIDGE_SAME_PORT" | "BRIDGE_ISOLATED" | "BRIDGE_PORT_DISABLED" | undefined {
  if (to.port?.disabled === true) return "BRIDGE_PORT_DISABLED";
  if (from === to && to.port?.hairpin !== true) return "BRIDGE_SAME_PORT";
  return from?.port?.isolated === true && to.port?.isolated === true ? "BRIDGE_ISOLATED" : undefined;
}

function forward(
  ns: NetworkNamespace,
  bridge: BridgeDevice,
  from: Device | undefined,
  to: Device,
  skb: Skb | ArpSkb,
): void {
  const refused = refusal(from, to);
  if (refused !== undefined) return drop(skb, refused);
  if (skb.track !== undefined) {
    const hairpin = from === to;
    skb.track.step({
      kind: "bridge",
      action: hairpin ? "hairpin" : "forward",
      bridge: bridge.name,
      ...(from && { inPort: from.name }),
      outPorts: [to.name],
      ...(skb.dstMac !== undefined && { mac: skb.dstMac }),
    });
  }
  send(ns, bridge, from, to, skb);
}

/** __br_forward() and what follows: FORWARD and POSTROUTING of br_netfilter, then the port. */
function send(
  ns: NetworkNamespace,
  bridge: BridgeDevice,
  from: Device | undefined,
  to: Device,
  skb: Skb | ArpSkb,
): void {
  if (!isArp(skb) && skb.bridge !== undefined && from !== undefined) {
    if (!bridgeForward(bridge, to, skb, ns) || !bridgePostrouting(bridge, to, skb, ns)) return;
    const { fragMaxSize } = skb.bridge;
    const longest = Math.min(bridge.mtu, fragMaxSize ?? 0);
    // Cut as it came, whatever the port takes (br_nf_ip_fragment).
    if (fragMaxSize !== undefined && transmitFragments(ns, to, skb, longest, (piece) => push(ns, to, piece))) return;
  }
  push(ns, to, skb);
}

/** br_dev_queue_push_xmit(): what is too long for the port is dropped; a VLAN tag may stick out. */
function push(ns: NetworkNamespace, to: Device, skb: Skb | ArpSkb): void {
  if (!isArp(skb) && packetBytes(skb.packet) > to.mtu + 4) {
    return drop(skb, "MTU_EXCEEDED", `${to.name} takes ${to.mtu} bytes, and a bridge tells nobody.`);
  }
  transmit(ns, to, skb);
}

/** Whether a port takes part in flooding: br_flood(). What the bridge itself sends to a group goes to all. */
function floods(to: Device, dstMac: Mac | undefined, isOwn: boolean): boolean {
  if (dstMac === undefined || !isGroupMac(dstMac)) return to.port?.flood === true;
  if (isOwn) return true;
  return dstMac === broadcastMac ? to.port?.broadcastFlood === true : to.port?.multicastFlood === true;
}

/** Copies to every port but the one it came by; the last recipient gets the frame itself, as in the kernel. */
function flood(
  ns: NetworkNamespace,
  bridge: BridgeDevice,
  from: Device | undefined,
  skb: Skb | ArpSkb,
  toBridge: boolean,
): void {
  // The kernel puts a new port at the head of its list.
  const ports = bridge.ports
    .toReversed()
    .map((name) => ns.devices.get(name))
    .filter((to): to is Device => to !== undefined && to.up && refusal(from, to) === undefined)
    // What the node sends itself to a group goes everywhere but where the switch is off, too.
    .filter((to) => floods(to, skb.dstMac, from === undefined));
  const { heeds } = bridge;
  const heeded = heeds === undefined ? ports : ports.filter(({ name }) => heeds(name, skb));
  const ignored = ports.length - heeded.length;
  skb.track?.step({
    kind: "bridge",
    action: "flood",
    bridge: bridge.name,
    ...(from && { inPort: from.name }),
    outPorts: [...ports.map(({ name }) => name), ...(toBridge ? [bridge.name] : [])],
    ...(skb.dstMac !== undefined && { mac: skb.dstMac }),
    ...(ignored > 0 && {
      text: `Bridge ${bridge.name} copies the frame to its ${ports.length} other ports. ${ignored} of the hosts there are not asked and ignore it: their copies are not shown.`,
    }),
  });
  if (ports.length === 0 && !toBridge) return drop(skb, "BRIDGE_NO_PORT");
  if (heeded.length === 0 && !toBridge) return drop(skb, "OTHER_HOST", "None of the hosts is asked.");
  const last = toBridge ? undefined : heeded.pop();
  for (const to of heeded) send(ns, bridge, from, to, copyOf(ns, skb, from, "flooded copy"));
  if (last !== undefined) return send(ns, bridge, from, last, skb);
  if (bridge.promiscuous) forgetConnection(skb);
  passUp(ns, bridge, from, skb);
}

function copyOf<S extends Skb | ArpSkb>(ns: NetworkNamespace, skb: S, device: Device | undefined, reason: string): S {
  const track = skb.track?.child(reason);
  track?.enter(
    { namespace: ns.name, ...(ns.node !== undefined && { node: ns.node }), ...(device && { device: device.name }) },
    {
      body: isArp(skb) ? skb.arp : skb.packet,
      ...(!isArp(skb) && skb.mark !== 0 && { mark: skb.mark }),
      ...(skb.srcMac !== undefined && { srcMac: skb.srcMac }),
      ...(skb.dstMac !== undefined && { dstMac: skb.dstMac }),
    },
  );
  const copy: S = { ...skb, track };
  if (!isArp(copy) && copy.bridge !== undefined) copy.bridge = { ...copy.bridge };
  return copy;
}

/** In IPv6 the packet keeps the right to be cut again (ignore_df), though nobody knows to which length. */
function forgetFragments(skb: Skb): void {
  if (skb.fragMaxSize !== undefined) skb.fragMaxSize = typeof skb.packet.dst === "bigint" ? 0 : undefined;
}

/** br_pass_frame_up(): the frame is for the node; from now on the bridge is the device it came in by. */
function passUp(ns: NetworkNamespace, bridge: BridgeDevice, from: Device | undefined, skb: Skb | ArpSkb): void {
  if (skb.track !== undefined) {
    skb.track.step({
      kind: "bridge",
      action: "to-bridge",
      bridge: bridge.name,
      ...(from && { inPort: from.name }),
    });
    recordReceive(bridge, skb);
  }
  // ip_rcv() clears what the bridge noted of fragments.
  if (!isArp(skb)) forgetFragments(skb);
  deliverUp(ns, bridge, skb);
}
