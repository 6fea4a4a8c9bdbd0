import type { NetworkNamespace } from "../kernel/namespace.ts";
import { formatRoute } from "../kernel/route-text.ts";
import { type Family, formatAddress } from "../wire/address.ts";
import { runBatch, runBridge, runIp } from "./ip-batch.ts";

/*
 * The way back: what iproute2 prints of a real node, put into a namespace. All of them throw a TextError with the
 * problems of all lines.
 */

/** `ip addr`: addresses of devices that exist already, with MTU; links that do not exist are left out. */
export function readAddresses(ns: NetworkNamespace, text: string, file: string): void {
  let device: string | undefined;
  runBatch(
    text,
    file,
    (command) => runIp(ns, command),
    (line) => {
      const link = /^\d+: ([^@:\s]+)(?:@\S+)?: <(\S*)> mtu (\d+)/.exec(line);
      if (link !== null) {
        const [, name = "", flags = "", mtu = ""] = link;
        device = ns.devices.has(name) ? name : undefined;
        return device === undefined ? "" : `link set ${name} mtu ${mtu}${flags.split(",").includes("UP") ? " up" : ""}`;
      }
      const own = /^\s+inet6? (\S+)( peer \S+)?(?: brd \S+)? scope (\w+)(?: secondary)?( noprefixroute)?/.exec(line);
      if (own === null || device === undefined || has(ns, device, own[1] ?? "")) return "";
      return `address add ${own[1]}${own[2] ?? ""} dev ${device} scope ${own[3]}${own[4] ?? ""}`;
    },
  );
}

/** The kernel gives the loopback and each link addresses by itself. */
function has(ns: NetworkNamespace, device: string, text: string): boolean {
  const address = text.split("/")[0] ?? "";
  return ns.devices.get(device)?.addresses.some((own) => formatAddress(own.address) === address) === true;
}

/**
 * `ip route show table TABLE`, `ip -6 route ...`; a line may name its table. Routes that exist already are replaced;
 * those that came with the addresses are there, and in IPv6 there may be one of them for each device.
 */
export function readRoutes(ns: NetworkNamespace, family: Family, text: string, file: string, table = "main"): void {
  const flag = family === "ipv6" ? "-6 " : "";
  runBatch(
    text,
    file,
    (command) => runIp(ns, command, true),
    (line) => {
      if (line.trim() === "") return "";
      // The next hops of a multipath route come last.
      const [head = "", ...hops] = line.split(/ (?=nexthop )/);
      const named = / table \S/.test(head) ? head : `${head} table ${table}`;
      if (/ proto kernel\b/.test(head) && cameWithAddress(ns, head, / table (\S+)/.exec(named)?.[1] ?? table))
        return "";
      return `${flag}route replace ${[named, ...hops].join(" ")}`;
    },
  );
}

function cameWithAddress(ns: NetworkNamespace, line: string, table: string): boolean {
  const [, destination, device] = /^(\S+) .*?\bdev (\S+)/.exec(line) ?? [];
  const family = destination?.includes(":") === true ? "ipv6" : "ipv4";
  return ns.fib[family]
    .routes(table)
    .some((route) => route.device === device && formatRoute(route).split(" ", 1)[0] === destination);
}

/** `ip rule`, `ip -6 rule`: rules that are there from the start are left out. */
export function readRules(ns: NetworkNamespace, family: Family, text: string, file: string): void {
  const flag = family === "ipv6" ? "-6 " : "";
  runBatch(
    text,
    file,
    (command) => runIp(ns, command),
    (line) => {
      const match = /^(\d+):\s+(.*)$/.exec(line);
      if (match === null || /^from all lookup (local|main|default)\s*$/.test(match[2] ?? "")) return "";
      return `${flag}rule add priority ${match[1]} ${match[2]}`;
    },
  );
}

/** `ip neigh`: entries whose MAC address is known. */
export function readNeighbours(ns: NetworkNamespace, text: string, file: string): void {
  runBatch(
    text,
    file,
    (command) => runIp(ns, command),
    (line) => {
      const match = /^(\S+) dev (\S+) lladdr (\S+)(?: router)? ([A-Z]+)\s*$/.exec(line);
      return match === null
        ? ""
        : `neigh replace ${match[1]} dev ${match[2]} lladdr ${match[3]} nud ${match[4]?.toLowerCase()}`;
    },
  );
}

/** `bridge fdb`: static and remote entries; a device's own and multicast addresses follow from the devices. */
export function readFdb(ns: NetworkNamespace, text: string, file: string): void {
  runBatch(
    text,
    file,
    (command) => runBridge(ns, command),
    (line) => (/ dst \S+| static/.test(line) ? `fdb replace ${line}` : ""),
  );
}
