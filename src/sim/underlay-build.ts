import type { ClusterSettings } from "../cluster/cluster.ts";
import type { Node } from "../cluster/objects.ts";
import { addAddress } from "../kernel/address.ts";
import { lookupOutput } from "../kernel/ip/route.ts";
import type { BridgeDevice } from "../kernel/device.ts";
import { addDevice, enslave, setUp } from "../kernel/link.ts";
import type { NetworkNamespace } from "../kernel/namespace.ts";
import { addRoute } from "../kernel/routes.ts";
import type { Owner } from "../trace/records.ts";
import { type Address, familyOf, formatAddress, isMulticast, unspecified } from "../wire/address.ts";
import { addressBits, cidr, contains, hostCidr, parseCidr } from "../wire/cidr.ts";
import { type Mac, localMac } from "../wire/mac.ts";
import { type Underlay, internalAddresses } from "./underlay.ts";
import { endAsUnknown } from "./unmodelled.ts";

/** Namespaces that are no pods and no nodes: pods are NAMESPACE/NAME and nodes DNS names, so nothing collides. */
export const switchName = "(switch)";
export const routerName = "(router)";

export function outsideName(address: Address): string {
  return `external:${formatAddress(address)}`;
}

const owner: Owner = { kind: "Component", name: "the network between the nodes" };

/** A segment of more hosts than this does not show each of them ignoring a question. */
const mostShownHosts = 64;

/**
 * The switch: a bridge with a port for every node and one for the router. `heeds` says whether a node would do more with
 * a frame than ignore it.
 */
export function buildSwitch(
  ns: NetworkNamespace,
  nodes: readonly Node[],
  heeds: NonNullable<BridgeDevice["heeds"]>,
): void {
  // A switch is no Linux host: no iptables see its frames.
  ns.sysctls.set("net.bridge.bridge-nf-call-iptables", 0);
  ns.sysctls.set("net.bridge.bridge-nf-call-ip6tables", 0);
  const bridge = addDevice(ns, { kind: "bridge", name: "sw0", mac: localMac(0xff_0000_0001), owner }) as BridgeDevice;
  if (nodes.length > mostShownHosts) bridge.heeds = heeds;
  const nodePorts = nodes.map(({ metadata: { name } }) => ({ port: name, namespace: name }));
  for (const { port, namespace } of [...nodePorts, { port: "router", namespace: routerName }]) {
    addDevice(ns, { kind: "physical", name: port, peer: { namespace, device: "eth0" }, owner });
    enslave(ns, port, "sw0");
    setUp(ns, port);
  }
  setUp(ns, "sw0");
}

/** The router between the nodes' segment and the world outside. `routed` are addresses that it sends to a node. */
export function buildRouter(
  ns: NetworkNamespace,
  underlay: Underlay,
  routed: readonly { readonly address: Address; readonly via: Address }[],
): void {
  ns.sysctls.set("net.ipv4.ip_forward", 1);
  ns.sysctls.set("net.ipv6.conf.all.forwarding", 1);
  addDevice(ns, {
    kind: "physical",
    name: "eth0",
    peer: { namespace: switchName, device: "router" },
    mac: localMac(0xff_0000_0003),
    owner,
  });
  for (const { subnet, gateway } of underlay.segments) addAddress(ns, "eth0", gateway, subnet.prefixLength, { owner });
  setUp(ns, "eth0");
  for (const { gateway } of underlay.outside) addAddress(ns, "lo", gateway, addressBits(gateway), { owner });
  for (const { address, via } of routed) addRoute(ns, { destination: hostCidr(address), via, owner });
}

/**
 * What lies behind the router beside the hosts outside that somebody named is not known. That nobody there knows pods
 * and Services is.
 */
export function endAtTheUnknown(router: NetworkNamespace, { podCidrs, serviceCidrs }: ClusterSettings): void {
  const inside = [...podCidrs, ...serviceCidrs].flatMap((text) => parseCidr(text) ?? []);
  endAsUnknown(router, ["PREROUTING"], ({ skb: { packet } }) => {
    const { dst } = packet;
    if (inside.some((block) => contains(block, dst)) || isMulticast(dst)) return undefined;
    if (lookupOutput(router, { dst, mark: 0 }).kind === "routed") return undefined;
    return `The packet leaves for ${formatAddress(dst)} outside the cluster; nothing says what is there.`;
  });
}

/** A host outside, on a cable of its own to the router. */
export function buildOutside(
  router: NetworkNamespace,
  ns: NetworkNamespace,
  address: Address,
  underlay: Underlay,
): void {
  const port = `out${router.devices.size - 1}`;
  addDevice(router, { kind: "physical", name: port, peer: { namespace: ns.name, device: "eth0" }, owner });
  setUp(router, port);
  addRoute(router, { destination: hostCidr(address), device: port, owner });
  addDevice(ns, {
    kind: "physical",
    name: "eth0",
    peer: { namespace: router.name, device: port },
    mac: macOf(address),
    owner,
  });
  addAddress(ns, "eth0", address, addressBits(address), { owner });
  setUp(ns, "eth0");
  const gateway = underlay.outside.find(({ family }) => family === familyOf(address))?.gateway;
  if (gateway === undefined) return;
  addRoute(ns, {
    destination: cidr(unspecified[familyOf(address)], 0),
    via: gateway,
    device: "eth0",
    onlink: true,
    owner,
  });
}

/** A node's network card: its InternalIPs, and the router as default gateway. */
export function buildUplink(ns: NetworkNamespace, node: Node, underlay: Underlay, nodeOwner: Owner): void {
  const addresses = internalAddresses(node);
  const mac = addresses[0] === undefined ? {} : { mac: macOf(addresses[0]) };
  addDevice(ns, {
    kind: "physical",
    name: "eth0",
    peer: { namespace: switchName, device: node.metadata.name },
    ...mac,
    owner: nodeOwner,
  });
  for (const address of addresses) {
    const segment = underlay.segments.find(({ family }) => family === familyOf(address));
    addAddress(ns, "eth0", address, segment?.subnet.prefixLength ?? addressBits(address), { owner: nodeOwner });
  }
  setUp(ns, "eth0");
  for (const { family, gateway } of underlay.segments) {
    if (!addresses.some((address) => familyOf(address) === family)) continue;
    addRoute(ns, { destination: cidr(unspecified[family], 0), via: gateway, device: "eth0", owner });
  }
}

/** A MAC that tells its address: 02:00 and the four octets, or the last five of an IPv6 address. */
function macOf(address: Address): Mac {
  return localMac(typeof address === "number" ? address : Number(address % 2n ** 40n));
}
