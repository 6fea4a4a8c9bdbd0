import type { Iptables } from "../iptables/netns.ts";
import { saveSets } from "../iptables/ipset/text.ts";
import { printRuleset } from "../iptables/print.ts";
import type { Device } from "../kernel/device.ts";
import type { Route } from "../kernel/fib.ts";
import type { NetworkNamespace } from "../kernel/namespace.ts";
import { formatPaths, formatRoute } from "../kernel/route-text.ts";
import { type Address, type Family, formatAddress, isIPv4 } from "../wire/address.ts";
import { formatCidr } from "../wire/cidr.ts";
import { sysctlLines } from "./sysctl-line.ts";
import { showFdb, showNeighbours, showRules } from "./show.ts";

/*
 * The way out: a namespace as the files of a topology folder (topology.ts). `buildTopology` and real Linux both make
 * the namespace again from them.
 */

/** The links between these namespaces, each once: `ns:device=mac ns:device=mac` lines. */
export function writeLinks(namespaces: readonly NetworkNamespace[]): string {
  const byName = new Map(namespaces.map((ns) => [ns.name, ns]));
  const lines: string[] = [];
  const seen = new Set<string>();
  for (const ns of namespaces) {
    for (const device of ns.devices.values()) {
      if ((device.kind !== "veth" && device.kind !== "physical") || device.peer === undefined) continue;
      const other = byName.get(device.peer.namespace)?.devices.get(device.peer.device);
      const own = `${ns.name}:${device.name}`;
      const peer = `${device.peer.namespace}:${device.peer.device}`;
      if (other === undefined || seen.has(own)) continue;
      seen.add(own).add(peer);
      lines.push(`${own}=${device.mac} ${peer}=${other.mac}\n`);
    }
  }
  return lines.join("");
}

/** The files of one namespace by their names; those that would be empty are left out. */
export function writeNamespace(ns: NetworkNamespace, iptables?: Iptables): ReadonlyMap<string, string> {
  const files: readonly (readonly [string, string])[] = [
    [
      "sysctl",
      sysctlLines(ns.sysctls)
        .map((line) => `${line}\n`)
        .join(""),
    ],
    ["ip", writeIp(ns)],
    ["bridge", writeFdb(ns)],
    ["ipset", iptables === undefined ? "" : saveSets(iptables.sets)],
    ["iptables", iptables === undefined ? "" : printRuleset(iptables.ruleset("ipv4"))],
    ["ip6tables", iptables === undefined ? "" : printRuleset(iptables.ruleset("ipv6"))],
    ["listen", ns.sockets.listeners.map(({ protocol, port }) => `${protocol} ${port}\n`).join("")],
  ];
  return new Map(files.filter(([, text]) => text !== ""));
}

/** `ip -batch` lines: devices, ports, addresses, links up (ports before their bridge), routes, rules, neighbours. */
export function writeIp(ns: NetworkNamespace): string {
  const devices = [...ns.devices.values()].sort((a, b) => a.ifindex - b.ifindex);
  return [
    ...devices.flatMap(writeDevice),
    ...devices.flatMap(writePort),
    ...devices.flatMap((device) =>
      device.kind === "bridge" && device.mtuIsSet ? [`link set ${device.name} mtu ${device.mtu}`] : [],
    ),
    ...devices.flatMap((device) => writeAddresses(device)),
    ...devices.filter(({ kind }) => kind !== "bridge").flatMap(writeUp),
    ...devices.filter(({ kind }) => kind === "bridge").flatMap(writeUp),
    ...writeRoutes(ns, "ipv4"),
    ...writeRoutes(ns, "ipv6"),
    ...writeRules(ns, "ipv4"),
    ...writeRules(ns, "ipv6"),
    ...writeNeighbours(ns),
  ]
    .map((line) => `${line}\n`)
    .join("");
}

function writeDevice(device: Device): string[] {
  const { name, mac, mtu } = device;
  switch (device.kind) {
    case "loopback":
      return mtu === 65_536 ? [] : [`link set lo mtu ${mtu}`];
    case "veth":
    case "physical":
      return mtu === 1500 ? [] : [`link set ${name} mtu ${mtu}`];
    case "foreign":
      return [`link add ${name} address ${mac} mtu ${mtu} type ${device.type}`];
    case "dummy":
      return [`link add ${name} address ${mac} mtu ${mtu} type dummy`];
    case "bridge": {
      const address = device.inheritsMac === true && device.ports.length > 0 ? "" : ` address ${mac}`;
      const ageing = device.ageingNanos === 300e9 ? "" : ` ageing_time ${Math.round(device.ageingNanos / 1e7)}`;
      const calls = `${device.callsIptables ? " nf_call_iptables 1" : ""}${device.callsIp6tables ? " nf_call_ip6tables 1" : ""}`;
      return [
        `link add ${name}${address} mtu ${mtu} type bridge stp_state 0 forward_delay 0 mcast_snooping 0${ageing}${calls}`,
      ];
    }
    case "vxlan": {
      const lower = device.lower === undefined ? "" : ` dev ${device.lower}`;
      const { local, group, srcPorts, ttl, df, ageingNanos } = device;
      const words = [
        `id ${device.vni}${lower}`,
        ...(local === undefined ? [] : [`local ${formatAddress(local)}`]),
        ...(group === undefined ? [] : [`group ${formatAddress(group)}`]),
        ...(srcPorts === undefined ? [] : [`srcport ${srcPorts.first} ${srcPorts.end}`]),
        `dstport ${device.dstPort}`,
        ...(ttl === undefined ? [] : [`ttl ${ttl}`]),
        ...(df === undefined ? [] : [`df ${df}`]),
        ...(ageingNanos === 300e9 ? [] : [`ageing ${Math.round(ageingNanos / 1e9)}`]),
        device.learning ? "learning" : "nolearning",
      ];
      return [`link add ${name} address ${mac} mtu ${mtu} type vxlan ${words.join(" ")}`];
    }
    case "ipip": {
      const end = (key: string, address: Address | undefined): string =>
        address === undefined ? "" : ` ${key} ${formatAddress(address)}`;
      const ends = `${end("local", device.local)}${end("remote", device.remote)}`;
      const lower = device.lower === undefined ? "" : ` dev ${device.lower}`;
      const ttl = device.ttl === undefined ? " ttl inherit" : ` ttl ${device.ttl}`;
      const discovery = device.inheritsDf ? " nopmtudisc" : " pmtudisc";
      return [`link add ${name} mtu ${mtu} type ipip${ends}${lower}${ttl}${discovery}`];
    }
  }
}

function writePort({ name, port }: Device): string[] {
  if (port === undefined) return [];
  const onOff = (on: boolean): string => (on ? "on" : "off");
  const { bridge, hairpin, isolated, learning, flood, broadcastFlood, multicastFlood, disabled } = port;
  const flags = `hairpin ${onOff(hairpin)} isolated ${onOff(isolated)} learning ${onOff(learning)} flood ${onOff(flood)}`;
  const groups = `bcast_flood ${onOff(broadcastFlood)} mcast_flood ${onOff(multicastFlood)}`;
  return [
    `link set ${name} master ${bridge.name}`,
    `link set ${name} type bridge_slave${disabled ? " state 0" : ""} ${flags} ${groups}`,
  ];
}

/** The kernel itself gives the loopback 127.0.0.1 and ::1, and links their link-local addresses. */
function writeAddresses({ kind, name, addresses }: Device): string[] {
  return addresses.flatMap(({ address, prefixLength, peer, scope, noPrefixRoute }) => {
    const text = formatAddress(address);
    if (kind === "loopback" && (text === "127.0.0.1" || text === "::1")) return [];
    if (!isIPv4(address) && scope === "link") return [];
    const options = `${noPrefixRoute === true ? " noprefixroute" : ""}${isIPv4(address) ? "" : " nodad"}`;
    const end = peer === undefined ? "" : ` peer ${formatAddress(peer)}`;
    return [`address add ${text}${end}/${prefixLength} dev ${name} scope ${scope}${options}`];
  });
}

function writeUp({ kind, name, up }: Device): string[] {
  return up && kind !== "loopback" ? [`link set ${name} up`] : [];
}

/** Routes that somebody added: those of addresses come with them. What is reached directly comes before gateways. */
function writeRoutes(ns: NetworkNamespace, family: Family): string[] {
  const fib = ns.fib[family];
  return fib.tables().flatMap((table) =>
    fib
      .routes(table)
      .filter(({ protocol }) => protocol !== "kernel")
      .toSorted((a, b) => Number(hasGateway(a)) - Number(hasGateway(b)))
      .map(withoutNexthopId)
      .map((route, index, all) => {
        const verb = all.slice(0, index).some((other) => isBeside(other, route)) ? "append" : "add";
        const words = [
          withFamily(formatRoute(route), family),
          ...(table === "main" ? [] : [`table ${table}`]),
          ...formatPaths(route),
        ];
        return `route ${verb} ${words.join(" ")}`;
      }),
  );
}

/** ip(8) takes the family of a route from its addresses. */
function withFamily(text: string, family: Family): string {
  return family === "ipv4" ? text : text.replace(/^(\w+ )?default\b/, "$1::/0");
}

function hasGateway({ via, paths }: Route): boolean {
  return via !== undefined || paths !== undefined;
}

/** Both have the same destination and metric: the second was appended. */
function isBeside(a: Route, b: Route): boolean {
  return a.metric === b.metric && formatCidr(a.destination) === formatCidr(b.destination);
}

/** Nexthop objects are not written: the route names its next hops itself. */
function withoutNexthopId({ nexthopId: _id, ...route }: Route): Route {
  return route;
}

function writeRules(ns: NetworkNamespace, family: Family): string[] {
  return showRules(ns, family)
    .split("\n")
    .flatMap((line) => {
      const [, priority, rule = ""] = /^(\d+):\t(.*)$/.exec(line) ?? [];
      if (priority === undefined || /^from all lookup (local|main|default)$/.test(rule)) return [];
      // Of a rule nothing tells the family but the flag.
      return [`${family === "ipv6" ? "-6 " : ""}rule add priority ${priority} ${rule}`];
    });
}

function writeNeighbours(ns: NetworkNamespace): string[] {
  const proxies = [...ns.neighbours.proxies].map((proxy) => `neigh add proxy ${proxy}`);
  return [...proxies, ...writePermanent(ns)];
}

function writePermanent(ns: NetworkNamespace): string[] {
  return showNeighbours(ns)
    .split("\n")
    .flatMap((line) => {
      const [, text] = /^(.* lladdr \S+) PERMANENT$/.exec(line) ?? [];
      return text === undefined ? [] : [`neigh add ${text} nud permanent`];
    });
}

/** `bridge -batch` lines: static entries of bridges, and where VXLAN devices send to. */
function writeFdb(ns: NetworkNamespace): string {
  return (
    showFdb(ns)
      .split("\n")
      // A group stands with its device, and what was learned is not written.
      .filter(
        (line) =>
          / dst \S+( via \S+)? self permanent$| static$/.test(line) && !/ dst (?:2(?:2[4-9]|3\d)\.|ff)/.test(line),
      )
      .map((line) => `fdb ${/ dst /.test(line) ? "append" : "add"} ${line}\n`)
      .join("")
  );
}
