import { inOwner, list, ownerName, peerName } from "./describe-words.ts";
import type { BridgeStep, DeviceStep, NeighbourStep, RouteStep, TunnelStep } from "./records.ts";

export function describeRoute(step: RouteStep): string {
  const { destination, namespace, route, device } = step;
  switch (step.result) {
    case "local":
      return `${destination} is an address of ${namespace} itself${inOwner(step.owner)}, so the packet is taken in here.`;
    case "forward":
    case "output":
      return `${whereTo(step)}${lifetime(step)}.`;
    case "broadcast":
      return `${destination} means everybody on ${device ?? "the link"}, so the packet is for ${namespace} too.`;
    case "unreachable":
      return route === undefined
        ? `${namespace} has no route to ${destination}, so the packet cannot go on.`
        : `A route of ${namespace}${inOwner(step.owner)} says that ${destination} cannot be reached: \`${route}\`.`;
    case "prohibit":
      return `A route of ${namespace}${inOwner(step.owner)} forbids ${destination}, so the packet is refused.`;
    case "blackhole":
      return `A route of ${namespace}${inOwner(step.owner)} swallows everything to ${destination} without a word.`;
    case "martian":
      return `The addresses of this packet cannot be right on ${device ?? "this device"}, so ${namespace} does not believe it (a "martian").`;
  }
}

function whereTo(step: RouteStep): string {
  const { destination, namespace, route, via } = step;
  const again = step.at === "reroute" ? "The rewrite asks for a new route: " : "";
  const by = step.device === undefined ? "" : ` by device ${step.device}`;
  if (route?.startsWith("default") === true) {
    const gateway = via === undefined ? "the default route" : `the default gateway ${via}`;
    const none = again === "" ? "No" : "no";
    return `${again}${none} closer route in ${namespace} covers ${destination}, so the packet goes to ${gateway}${by}`;
  }
  const block = route?.split(" ", 1)[0];
  const rule = block === undefined ? "" : ` (route ${block}${step.owner ? `, made by ${ownerName(step.owner)}` : ""})`;
  return via === undefined
    ? `${again}${destination} is a direct neighbour of ${namespace}${rule}, so the packet goes straight to it${by}`
    : `${again}${destination} lies behind ${via}${rule}, so the packet goes there${by}`;
}

function lifetime(step: RouteStep): string {
  const ttl = step.changes?.find((change) => change.field === "ttl");
  return ttl?.to === undefined ? "" : `; passing through here costs it one of its lives (TTL ${ttl.to})`;
}

export function describeNeighbour(step: NeighbourStep): string {
  const { address, device, mac, namespace } = step;
  switch (step.action) {
    case "hit":
      return `${namespace} knows the Ethernet address of ${address} on ${device}${mac === undefined ? "" : `: ${mac}`}.`;
    case "solicit":
      return `${namespace} does not know the Ethernet address of ${address}, so it asks everybody on ${device}: who has ${address}?`;
    case "queue":
      return `The packet waits until the Ethernet address of ${address} is known.`;
    case "resolved":
      return `${address} has answered${mac === undefined ? "" : `: its Ethernet address is ${mac}`}, so what waited for it goes out by ${device}.`;
    case "answer":
      return `${namespace} answers the question for ${address} on ${device}${mac === undefined ? "" : ` with Ethernet address ${mac}`}.`;
    case "ignore":
      return `The question for ${address} is not for ${namespace}, so it stays silent.`;
    case "failed":
      return `Nobody on ${device} has answered for ${address}, so ${namespace} gives it up.`;
    case "learn":
      return `${namespace} notes the Ethernet address of ${address} on ${device}${mac === undefined ? "" : `: ${mac}`}.`;
  }
}

export function describeDevice(step: DeviceStep): string {
  const { device, namespace } = step;
  const peer = step.peer === undefined ? undefined : peerName(step.peer);
  switch (step.action) {
    case "receive":
      return `The packet comes into ${namespace} by ${device}${peer === undefined ? "" : `, from ${peer.device} of ${peer.namespace}`}.`;
    case "transmit":
      return `The packet leaves ${namespace} by ${device}${peer === undefined ? "" : `; at the other end is ${peer.device} of ${peer.namespace}`}.`;
    case "fragment":
      return `The packet is larger than ${device} can carry, so it is cut into pieces (fragments).`;
    case "reassemble":
      return `All pieces (fragments) of the packet are here, so ${namespace} puts it together again.`;
    case "other-host":
      return `${device} of ${namespace} sees the packet, but the Ethernet address on it is somebody else's, so it is ignored.`;
  }
}

export function describeBridge(step: BridgeStep): string {
  const { bridge, inPort, mac, namespace } = step;
  const ports = step.outPorts ?? [];
  switch (step.action) {
    case "learn":
      return `Bridge ${bridge} notes that Ethernet address ${mac ?? "of the sender"} is behind its port ${inPort ?? ""}.`;
    case "forward":
      return `Bridge ${bridge} knows where Ethernet address ${mac ?? "of the receiver"} is: behind its port ${list(ports)}.`;
    case "flood":
      return `${floodReason(step)}, so bridge ${bridge} copies the frame to ${ports.length === 1 ? "port" : `its ${ports.length} other ports`} ${list(ports)}.`;
    case "to-bridge":
      return `The frame is addressed to bridge ${bridge} itself, so ${namespace} takes the packet in.`;
    case "netfilter":
      return `Bridge ${bridge} shows the packet to the IP rules of ${namespace} too, because bridge-nf-call-iptables is on.`;
    case "hairpin":
      return `Bridge ${bridge} sends the frame back by port ${list(ports)}, where it came in: hairpin mode allows that.`;
  }
}

function floodReason({ bridge, mac }: BridgeStep): string {
  if (mac === undefined || mac === "ff:ff:ff:ff:ff:ff") return "The frame is for everybody";
  return `Bridge ${bridge} has not seen Ethernet address ${mac} yet`;
}

export function describeTunnel(step: TunnelStep): string {
  const { tunnel, local = "here", remote = "there" } = step;
  const network = step.vni === undefined ? "" : ` (VXLAN network ${step.vni})`;
  switch (step.action) {
    case "encapsulate":
      return `Tunnel ${tunnel} puts the packet into another one, from ${local} to ${remote}${network}.`;
    case "decapsulate":
      return `Tunnel ${tunnel} takes the packet out of the one that ${remote} had put it into${network}.`;
  }
}
