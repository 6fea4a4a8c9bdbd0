import { type Address, formatAddress, isMulticast } from "../../wire/address.ts";
import { cidr, contains } from "../../wire/cidr.ts";
import type { IcmpError, Packet } from "../../wire/packet.ts";
import { nanosPerSecond } from "../clock.ts";
import type { Device } from "../device.ts";
import type { NetworkNamespace } from "../namespace.ts";
import type { Skb } from "../skb.ts";
import { learnException } from "./exception.ts";
import { addressType, lookupOutput } from "./route.ts";

/** net.ipv4.route.gc_timeout: how long a redirect is heeded. */
const lifetimeNanos = 300 * nanosPerSecond;

/**
 * A router named a better gateway: whoever it says so to goes there from now on, if the gateway's link address is
 * known; else the next redirect will find it so. __ip_do_redirect().
 */
export function takeRedirect(
  ns: NetworkNamespace,
  device: Device,
  skb: Skb,
  { quoted }: IcmpError,
  gateway: Address,
): void {
  const why = refusal(ns, device, skb.packet.src, quoted, gateway);
  const believed = why === undefined && ns.neighbours.validOrAsk(device.name, gateway, skb);
  if (believed) learnException(ns, quoted.dst, { gateway }, lifetimeNanos);
  skb.track?.step({
    kind: "icmp",
    action: "receive",
    type: 5,
    code: 1,
    reason: why ?? "redirect",
    text: believed
      ? `Packets to ${formatAddress(quoted.dst)} go to ${formatAddress(gateway)} from now on.`
      : `The redirect is not heeded: ${why ?? `the link address of ${formatAddress(gateway)} is not known yet`}.`,
  });
}

function refusal(
  ns: NetworkNamespace,
  device: Device,
  from: Address,
  quoted: Packet,
  gateway: Address,
): string | undefined {
  const settings = ns.sysctls.device(device.name);
  if (!settings.acceptRedirects) return `accept_redirects is off on ${device.name}`;
  if (!ns.sockets.takesRedirect(quoted)) return "the socket that sent the packet does not hear of it";
  const { dst } = quoted;
  const way = lookupOutput(ns, { dst, mark: 0 });
  if (way.kind === "none" || way.to.device !== device || way.to.nextHop !== from) {
    return "it does not come from the gateway in use";
  }
  if (gateway === from || isMulticast(gateway) || gateway === 0) return "it names no other gateway";
  if (settings.sharedMedia) {
    return addressType(ns, gateway) === "UNICAST" ? undefined : "the gateway it names is no other host";
  }
  const onLink = device.addresses.some(({ address, prefixLength }) => {
    const block = cidr(address, prefixLength);
    return contains(block, gateway) && contains(block, from);
  });
  return onLink ? undefined : "the gateway it names is not on this link";
}
