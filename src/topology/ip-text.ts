import type { Device } from "../kernel/device.ts";
import type { IpRule } from "../kernel/fib.ts";
import type { NetworkNamespace } from "../kernel/namespace.ts";
import { formatRoute } from "../kernel/route-text.ts";
import { formatAddress } from "../wire/address.ts";
import { addressBits, formatCidr } from "../wire/cidr.ts";

/** What `ip addr`, `ip route`, `ip rule`, `ip neigh`, `bridge link` and `bridge fdb` print, each under its command. */
export function formatIpState(ns: NetworkNamespace): string {
  const sections = [
    ["ip -4 addr", formatAddresses(ns)],
    ["ip -4 rule", ns.fib.ipv4.rules.map(formatRule)],
    ["ip -4 route", ns.fib.ipv4.routes("main").map(formatRoute)],
    ["ip -6 route", ns.fib.ipv6.routes("main").map(formatRoute)],
    ["ip neigh", formatNeighbours(ns)],
    ["bridge link", formatPorts(ns)],
    ["bridge fdb", formatFdb(ns)],
    ["sysctl", ns.sysctls.entries().map(([name, value]) => `${name} = ${value}`)],
  ] as const;
  return sections.map(([command, lines]) => `# ${command}\n${lines.map((line) => `${line}\n`).join("")}`).join("\n");
}

/** ip-address(8), without qdisc, group and queue length, which nothing here depends on. */
export function formatAddresses(ns: NetworkNamespace): string[] {
  return [...ns.devices.values()].flatMap((device) => [
    `${device.ifindex}: ${linkName(device)}: <${flags(device).join(",")}> mtu ${device.mtu}${device.port ? ` master ${device.port.bridge.name}` : ""} state ${device.up ? "UP" : "DOWN"}`,
    `    link/${device.kind === "loopback" ? "loopback" : "ether"} ${device.mac}`,
    ...device.addresses.map(({ address, prefixLength, scope }) => {
      const family = typeof address === "number" ? "inet" : "inet6";
      return `    ${family} ${formatAddress(address)}/${prefixLength} scope ${scope} ${device.name}`;
    }),
  ]);
}

function linkName(device: Device): string {
  const peer = device.kind === "veth" ? device.peer : undefined;
  return peer === undefined ? device.name : `${device.name}@${peer.device}`;
}

function flags(device: Device): string[] {
  const kind = device.kind === "loopback" ? ["LOOPBACK"] : ["BROADCAST", "MULTICAST"];
  return [...kind, ...(device.promiscuous ? ["PROMISC"] : []), ...(device.up ? ["UP", "LOWER_UP"] : [])];
}

/** ip-rule(8). */
export function formatRule(rule: IpRule): string {
  const { priority, from, to, inDevice, outDevice, mark, inverted, action } = rule;
  const words = [
    `${priority}:`,
    ...(inverted ? ["not"] : []),
    `from ${from === undefined ? "all" : formatCidr(from).replace(`/${addressBits(from.base)}`, "")}`,
    ...(to === undefined ? [] : [`to ${formatCidr(to).replace(`/${addressBits(to.base)}`, "")}`]),
    ...(mark === undefined ? [] : [`fwmark 0x${mark.value.toString(16)}/0x${mark.mask.toString(16)}`]),
    ...(inDevice === undefined ? [] : [`iif ${inDevice}`]),
    ...(outDevice === undefined ? [] : [`oif ${outDevice}`]),
    action.kind === "lookup" ? `lookup ${action.table}` : action.kind,
  ];
  return words.join(" ");
}

function formatNeighbours(ns: NetworkNamespace): string[] {
  return ns.neighbours.entries().map(({ device, address, mac, state }) => {
    const lladdr = mac === undefined ? "" : ` lladdr ${mac}`;
    return `${formatAddress(address)} dev ${device}${lladdr} ${state}`;
  });
}

function formatPorts(ns: NetworkNamespace): string[] {
  return [...ns.devices.values()].flatMap(({ name, port }) =>
    port === undefined
      ? []
      : [
          `${name} master ${port.bridge.name} hairpin ${onOff(port.hairpin)} isolated ${onOff(port.isolated)} learning ${onOff(port.learning)} flood ${onOff(port.flood)}`,
        ],
  );
}

function onOff(value: boolean): string {
  return value ? "on" : "off";
}

function formatFdb(ns: NetworkNamespace): string[] {
  return [...ns.devices.values()].flatMap((device) => {
    if (device.kind === "bridge") {
      return [...device.fdb.values()].map(
        ({ mac, port, permanent }) => `${mac} dev ${port} master ${device.name}${permanent ? " permanent" : ""}`,
      );
    }
    if (device.kind !== "vxlan") return [];
    return [...device.fdb.values()].map(
      ({ mac, remote }) => `${mac} dev ${device.name} dst ${formatAddress(remote)} self permanent`,
    );
  });
}
