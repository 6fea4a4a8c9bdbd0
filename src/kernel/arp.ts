import { type Address, formatAddress, isIPv4, isLoopback, isMulticast } from "../wire/address.ts";
import { cidr, contains } from "../wire/cidr.ts";
import { type Mac, broadcastMac, zeroMac } from "../wire/mac.ts";
import type { Arp } from "../wire/packet.ts";
import type { Device } from "./device.ts";
import { nanosPerMilli } from "./clock.ts";
import { drop } from "./drop.ts";
import { lookupInput, lookupOutput } from "./ip/route.ts";
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
  if (arpAnnounce < 2 && forSource !== undefined && ns.fib.ipv4.lookupIn("local", forSource)?.type === "local") {
    if (arpAnnounce === 0 || onOneLink(device, target, forSource)) return forSource;
  }
  return primaryAddress(ns, device, target);
}

/** Both belong to one network of the device: inet_addr_onlink(). */
function onOneLink(device: Device, a: Address, b: Address): boolean {
  return device.addresses.some(({ address, prefixLength }) => {
    const block = cidr(address, prefixLength);
    return contains(block, a) && contains(block, b);
  });
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
  const answer = arp.operation === "request" ? answers(ns, device, arp) : "no";
  if (answer !== "no") {
    const waits = answer === "proxy" && skb.packetType !== "host" ? proxyDelay(ns, device, arp) : 0;
    if (waits > 0) return void ns.surroundings.clock.after(waits, () => answerRequest(ns, device, skb));
    return answerRequest(ns, device, skb);
  }
  const change = ns.neighbours.learn(device.name, senderAddress, senderMac, {
    create: false,
    solicited: arp.operation === "reply" && (skb.packetType ?? "host") === "host",
    override: false,
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

/** Nanoseconds that an answer for somebody else waits: a random part of proxy_delay (hundredths of a second). pneigh_enqueue(). */
function proxyDelay(ns: NetworkNamespace, device: Device, { senderAddress, targetAddress }: Arp): number {
  const setting = (key: string): number => ns.sysctls.get(`net.ipv4.neigh.${device.name}.${key}`);
  if (setting("proxy_qlen") === 0) return 0;
  const id = `${ns.name}/proxy-arp/${device.name}/${formatAddress(senderAddress)}/${formatAddress(targetAddress)}`;
  return ns.surroundings.chance.integer(id, Math.max(1, setting("proxy_delay") * 10)) * nanosPerMilli;
}

function answerRequest(ns: NetworkNamespace, device: Device, skb: ArpSkb): void {
  const { arp, track } = skb;
  const { senderAddress, senderMac, targetAddress } = arp;
  const change = ns.neighbours.learn(device.name, senderAddress, senderMac, {
    create: true,
    solicited: false,
    override: true,
  });
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
}

/** Whether a request is answered: for a local address as arp_ignore and arp_filter say, for others by proxy_arp. */
function answers(ns: NetworkNamespace, device: Device, arp: Arp): "no" | "own" | "proxy" {
  const { senderAddress: sender, targetAddress: target } = arp;
  const own = (): "no" | "own" => (allowed(ns, device, arp) ? "own" : "no");
  // A probe for duplicates (RFC 5227) has no sender to route back to.
  if (sender === 0) return ns.fib.ipv4.lookupIn("local", target)?.type === "local" ? own() : "no";
  const routed = lookupInput(ns, { dst: target, src: sender, mark: 0, device, inDevice: device.name });
  if (routed.kind === "none") return "no";
  if (routed.to.kind === "local") return own();
  if (routed.to.kind !== "forward") return "no";
  if (routed.to.device === device) return "no";
  return ns.sysctls.device(device.name).proxyArp || ns.neighbours.isProxy(device.name, target) ? "proxy" : "no";
}

/** arp_ignore(), arp_filter(); Documentation/networking/ip-sysctl.rst. */
function allowed(ns: NetworkNamespace, device: Device, arp: Arp): boolean {
  const { arpFilter } = ns.sysctls.device(device.name);
  if (!mayKnow(ns, device, arp)) return false;
  if (!arpFilter || arp.senderAddress === 0) return true;
  // The way back must be the way it came.
  const back = lookupOutput(ns, { dst: arp.senderAddress, src: arp.targetAddress, mark: 0 });
  return back.kind === "routed" && back.to.device === device;
}

function mayKnow(ns: NetworkNamespace, device: Device, { senderAddress, targetAddress }: Arp): boolean {
  const here = device.addresses.filter(({ address }) => address === targetAddress);
  switch (ns.sysctls.device(device.name).arpIgnore) {
    case 1:
      return here.length > 0;
    case 2:
      return here.some(({ address, prefixLength }) => contains(cidr(address, prefixLength), senderAddress));
    case 3:
      return [...ns.devices.values()].some(({ addresses }) =>
        addresses.some(({ address, scope }) => address === targetAddress && scope !== "host"),
      );
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
