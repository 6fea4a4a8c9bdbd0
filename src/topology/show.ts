import type { FdbEntry, InterfaceAddress, VxlanDevice, VxlanFdbEntry } from "../kernel/device.ts";
import type { Device } from "../kernel/device.ts";
import type { IpRule, Route } from "../kernel/fib.ts";
import type { NetworkNamespace } from "../kernel/namespace.ts";
import { isSecondary } from "../kernel/address.ts";
import { formatPaths, formatRoute } from "../kernel/route-text.ts";
import { type Family, compareAddresses, familyOf, formatAddress, isIPv4, unspecified } from "../wire/address.ts";
import { type Cidr, addressBits, formatCidr } from "../wire/cidr.ts";

/*
 * What iproute2 6.1 prints of a namespace, without the trailing blanks it leaves on some lines. What a namespace
 * does not have (queues, carrier of virtual devices) is printed as a healthy node has it.
 */

/** `ip addr`. */
export function showAddresses(ns: NetworkNamespace): string {
  return [...ns.devices.values()]
    .sort((a, b) => a.ifindex - b.ifindex)
    .map(
      (device, index) =>
        `${showDevice(ns, device, index + 1)}${inOrder(device.addresses)
          .map((own) => showAddress(device, own))
          .join("")}`,
    )
    .join("");
}

/** IPv4 as added; IPv6 by scope, the latest first (ipv6_link_dev_addr). */
function inOrder(addresses: readonly InterfaceAddress[]): InterfaceAddress[] {
  const rank = { global: 0, link: 1, host: 2 } as const;
  const v6 = addresses.filter(({ address }) => !isIPv4(address)).toReversed();
  return [...addresses.filter(({ address }) => isIPv4(address)), ...v6.sort((a, b) => rank[a.scope] - rank[b.scope])];
}

function showDevice(ns: NetworkNamespace, device: Device, index: number): string {
  const wired = device.kind === "veth" || device.kind === "physical" ? device.peer : undefined;
  const below = device.kind === "ipip" ? (device.lower ?? "NONE") : wired?.namespace === ns.name ? wired.device : "";
  const name = below === "" ? device.name : `${device.name}@${below}`;
  const flags = [
    ...kindFlags(device),
    ...(device.promiscuous ? ["PROMISC"] : []),
    ...(device.up ? ["UP", "LOWER_UP"] : []),
  ];
  const master = device.port === undefined ? "" : ` master ${device.port.bridge.name}`;
  const hasCarrier = device.kind === "veth" || device.kind === "physical" || device.kind === "bridge";
  const state = device.up ? (hasCarrier ? "UP" : "UNKNOWN") : "DOWN";
  return (
    `${index}: ${name}: <${flags.join(",")}> mtu ${device.mtu} qdisc ${device.up ? "noqueue" : "noop"}${master} state ${state} group default qlen 1000\n` +
    `    ${linkAddress(device)}\n`
  );
}

function kindFlags(device: Device): readonly string[] {
  switch (device.kind) {
    case "loopback":
      return ["LOOPBACK"];
    case "ipip":
      return device.remote === undefined ? ["NOARP"] : ["POINTOPOINT", "NOARP"];
    default:
      return ["BROADCAST", device.kind === "dummy" ? "NOARP" : "MULTICAST"];
  }
}

/** The link addresses of a tunnel are its ends. */
function linkAddress(device: Device): string {
  if (device.kind === "loopback") return `link/loopback ${device.mac} brd ${device.mac}`;
  if (device.kind !== "ipip") return `link/ether ${device.mac} brd ff:ff:ff:ff:ff:ff`;
  const { local = unspecified.ipv4, remote } = device;
  const peer = remote === undefined ? "brd 0.0.0.0" : `peer ${formatAddress(remote)}`;
  return `link/ipip ${formatAddress(local)} ${peer}`;
}

function showAddress(device: Device, own: InterfaceAddress): string {
  const v4 = isIPv4(own.address);
  const label = v4 ? ` ${device.name}` : "";
  const secondary = isSecondary(device, own) ? " secondary" : "";
  const prefix = own.noPrefixRoute === true ? " noprefixroute" : "";
  const peer = own.peer === undefined ? "" : ` peer ${formatAddress(own.peer)}`;
  const head = `    ${v4 ? "inet" : "inet6"} ${formatAddress(own.address)}${peer}/${own.prefixLength} scope ${own.scope}${secondary}${prefix}${label}\n`;
  return `${head}       valid_lft forever preferred_lft forever\n`;
}

/** `ip route show table TABLE`, `ip -6 route show table TABLE`: as the kernel walks the table. */
export function showRoutes(ns: NetworkNamespace, family: Family, table = "main"): string {
  return [...ns.fib[family].routes(table)]
    .sort(family === "ipv4" ? byAddress : byPrefix)
    .flatMap((route) => [
      `${formatRoute(route)}${family === "ipv6" ? " pref medium" : ""}\n`,
      ...formatPaths(route).map((hop) => `\t${hop}\n`),
    ])
    .join("");
}

/** IPv4: by address, the shorter prefix first, then by metric. */
function byAddress(a: Route, b: Route): number {
  const { base, prefixLength } = a.destination;
  const other = b.destination;
  return compareAddresses(base, other.base) || prefixLength - other.prefixLength || a.metric - b.metric;
}

/** IPv6 puts the default route last. */
function byPrefix(a: Route, b: Route): number {
  const isDefault = Number(a.destination.prefixLength === 0) - Number(b.destination.prefixLength === 0);
  return isDefault || byAddress(a, b);
}

/** `ip rule`, `ip -6 rule`. */
export function showRules(ns: NetworkNamespace, family: Family): string {
  return ns.fib[family].rules.map((rule) => `${rule.priority}:\t${showRule(rule)}\n`).join("");
}

function showRule(rule: IpRule): string {
  const words = [...(rule.inverted ? ["not"] : []), "from", rule.from === undefined ? "all" : showBlock(rule.from)];
  if (rule.to !== undefined) words.push("to", showBlock(rule.to));
  if (rule.mark !== undefined) {
    const { value, mask } = rule.mark;
    words.push(
      "fwmark",
      mask === 0xffffffff ? `0x${value.toString(16)}` : `0x${value.toString(16)}/0x${mask.toString(16)}`,
    );
  }
  if (rule.inDevice !== undefined) words.push("iif", rule.inDevice);
  if (rule.outDevice !== undefined) words.push("oif", rule.outDevice);
  words.push(...showAction(rule.action));
  if (rule.suppressPrefixLength !== undefined) words.push("suppress_prefixlength", String(rule.suppressPrefixLength));
  return words.join(" ");
}

function showAction(action: IpRule["action"]): string[] {
  switch (action.kind) {
    case "lookup":
      return ["lookup", action.table];
    case "goto":
      return ["goto", String(action.priority)];
    default:
      return [action.kind];
  }
}

function showBlock(block: Cidr): string {
  return block.prefixLength === addressBits(block.base) ? formatAddress(block.base) : formatCidr(block);
}

/** `ip neigh`, both families. */
export function showNeighbours(ns: NetworkNamespace): string {
  return [...ns.neighbours.entries()]
    .sort((a, b) => Number(familyOf(a.address) === "ipv6") - Number(familyOf(b.address) === "ipv6"))
    .map(
      ({ address, device, mac, state }) =>
        `${formatAddress(address)} dev ${device}${mac === undefined ? "" : ` lladdr ${mac}`} ${state}\n`,
    )
    .join("");
}

/** `bridge fdb`, without the multicast addresses that each device listens to. */
export function showFdb(ns: NetworkNamespace): string {
  const lines: string[] = [];
  for (const device of ns.devices.values()) {
    if (device.kind === "bridge") lines.push(...[...device.fdb.values()].map((entry) => showPort(device.name, entry)));
    if (device.kind === "vxlan") lines.push(...[...device.fdb.values()].map((entry) => showRemote(device, entry)));
  }
  return lines.join("");
}

function showPort(bridge: string, { mac, port, permanent, updatedAtNanos }: FdbEntry): string {
  const state = permanent ? " permanent" : updatedAtNanos === Number.POSITIVE_INFINITY ? " static" : "";
  return `${mac} dev ${port} master ${bridge}${state}\n`;
}

function showRemote(device: VxlanDevice, { mac, remote, others = [], seenNanos, isBound }: VxlanFdbEntry): string {
  const state = seenNanos === undefined ? " permanent" : "";
  const via = (index: number): string =>
    index === 0 && isBound === true && device.lower !== undefined ? ` via ${device.lower}` : "";
  return [remote, ...others]
    .map((own, index) => `${mac} dev ${device.name} dst ${formatAddress(own)}${via(index)} self${state}\n`)
    .join("");
}
