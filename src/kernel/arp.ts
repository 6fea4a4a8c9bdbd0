import { type Address, formatAddress, isIPv4, isLoopback, isMulticast } from "../wire/address.ts";
import { type Mac, broadcastMac, zeroMac } from "../wire/mac.ts";
import type { Arp } from "../wire/packet.ts";
import type { Device } from "./device.ts";
import { drop } from "./drop.ts";
import { lookupInput } from "./ip/route.ts";
import { primaryAddress } from "./ip/source-address.ts";
import type { NetworkNamespace } from "./namespace.ts";
import type { Solicitation } from "./neighbour-table.ts";
import type { ArpSkb } from "./skb.ts";
import { transmit } from "./transmit.ts";

/** Asks for a link address: arp_solicit(). The sender is the waiting packet's source, when it is ours (arp_announce 0). */
export function requestArp(ns: NetworkNamespace, solicitation: Solicitation): void {
  const { device, target, mac, forSource, flow, attempt } = solicitation;
  const sender = announcedAddress(ns, device, target, forSource);
  if (sender === undefined) return;
  const arp: Arp = {
    kind: "arp",
    operation: "request",
    senderMac: device.mac,
    senderAddress: sender,
    targetMac: zeroMac,
    targetAddress: target,
  };
  const track = flow?.packet("original", attempt);
  sendArp(ns, device, arp, mac ?? broadcastMac, track, `arp/${ns.name}/${formatAddress(target)}`);
}

function announcedAddress(
  ns: NetworkNamespace,
  device: Device,
  target: Address,
  forSource: Address | undefined,
): Address | undefined {
  const { arpAnnounce } = ns.sysctls.device(device.name);
  if (arpAnnounce === 0 && forSource !== undefined) {
    if (ns.fib.ipv4.lookupIn("local", forSource)?.type === "local") return forSource;
  }
  return primaryAddress(ns, device, target);
}

function sendArp(
  ns: NetworkNamespace,
  device: Device,
  arp: Arp,
  dstMac: Mac,
  track: ArpSkb["track"],
  flowKey: string,
): void {
  track?.enter(
    { namespace: ns.name, ...(ns.node !== undefined && { node: ns.node }) },
    { body: arp, srcMac: device.mac, dstMac },
  );
  transmit(ns, device, { arp, srcMac: device.mac, dstMac, flowKey, ...(track && { track }) });
}

/** An ARP frame for this namespace: arp_process(). */
export function receiveArp(ns: NetworkNamespace, device: Device, skb: ArpSkb): void {
  const { arp, track } = skb;
  const { senderAddress, senderMac, targetAddress } = arp;
  if (isMulticast(targetAddress)) return drop(skb, "OTHER_HOST");
  const settings = ns.sysctls.device(device.name);
  if (isLoopback(targetAddress) && !settings.routeLocalnet) return drop(skb, "MARTIAN_DESTINATION");
  if (arp.operation === "request" && answers(ns, device, arp)) {
    const change = ns.neighbours.learn(device.name, senderAddress, senderMac, { create: true, solicited: false });
    track?.step({
      kind: "neighbour",
      action: "answer",
      address: formatAddress(targetAddress),
      device: device.name,
      mac: device.mac,
      ...(change && { stateChanges: [change] }),
    });
    track?.verdict("delivered");
    reply(ns, device, skb);
    return;
  }
  const change = ns.neighbours.learn(device.name, senderAddress, senderMac, {
    create: false,
    solicited: arp.operation === "reply" && (skb.packetType ?? "host") === "host",
  });
  const learned = arp.operation === "reply" || change !== undefined;
  track?.step({
    kind: "neighbour",
    action: learned ? "learn" : "ignore",
    address: formatAddress(learned ? senderAddress : targetAddress),
    device: device.name,
    ...(learned && { mac: senderMac }),
    ...(change && { stateChanges: [change] }),
  });
  if (learned) track?.verdict("delivered");
  else drop(skb, "OTHER_HOST", "The question is for another host.");
}

/** Whether a request is answered: for a local address as arp_ignore says, for others by proxy_arp. */
function answers(ns: NetworkNamespace, device: Device, arp: Arp): boolean {
  const { senderAddress: sender, targetAddress: target } = arp;
  // A probe for duplicates (RFC 5227) has no sender to route back to.
  if (sender === 0) return ns.fib.ipv4.lookupIn("local", target)?.type === "local" && allowed(ns, device, arp);
  const routed = lookupInput(ns, { dst: target, src: sender, mark: 0, device });
  if (routed.kind === "none") return false;
  if (routed.to.kind === "local") return allowed(ns, device, arp);
  if (routed.to.kind !== "forward") return false;
  return routed.to.device !== device && ns.sysctls.device(device.name).proxyArp;
}

/** arp_ignore(), Documentation/networking/ip-sysctl.rst. */
function allowed(ns: NetworkNamespace, device: Device, arp: Arp): boolean {
  switch (ns.sysctls.device(device.name).arpIgnore) {
    case 0:
      return true;
    case 1:
    case 2:
      return device.addresses.some((entry) => entry.address === arp.targetAddress);
    case 8:
      return false;
    default:
      return true;
  }
}

function reply(ns: NetworkNamespace, device: Device, skb: ArpSkb): void {
  const { arp } = skb;
  if (!isIPv4(arp.senderAddress)) return;
  const answer: Arp = {
    kind: "arp",
    operation: "reply",
    senderMac: device.mac,
    senderAddress: arp.targetAddress,
    targetMac: arp.senderMac,
    targetAddress: arp.senderAddress,
  };
  const track = skb.track?.flow.packet("reply", 1, skb.track.cause("answer to the question"));
  sendArp(ns, device, answer, arp.senderMac, track, skb.flowKey);
}
