import { LineProblem, readLines } from "../iptables/text-error.ts";
import { addDevice } from "../kernel/link.ts";
import type { NetworkNamespace } from "../kernel/namespace.ts";
import { parseMac } from "../wire/mac.ts";
import { runBatch, runIp } from "./ip-batch.ts";
import { readAddresses, readFdb, readNeighbours, readRoutes, readRules } from "./read-shown.ts";

/*
 * What a real node prints about itself, as files of its folder:
 *   ip-addr     ip -d addr               ip-rule, ip-rule6   ip rule, ip -6 rule
 *   ip-route    ip route show table all  ip-neigh            ip neigh
 *   ip-route6   ip -6 route show ...     bridge-fdb          bridge fdb
 *   sysctl-a    sysctl -a                bridge-link         bridge -d link
 */

/** The names of all of them. */
export const dumpFiles: readonly string[] = [
  "ip-addr",
  "ip-route",
  "ip-route6",
  "ip-rule",
  "ip-rule6",
  "ip-neigh",
  "bridge-fdb",
  "bridge-link",
  "sysctl-a",
];

type Files = ReadonlyMap<string, string>;

/** Devices, addresses, routes, rules and neighbours of a node's dumps. Throws a TextError. */
export function readIpDumps(ns: NetworkNamespace, name: string, files: Files): void {
  const read = (file: string, reader: (text: string, path: string) => void): void => {
    const text = files.get(file);
    if (text !== undefined) reader(text, `${name}/${file}`);
  };
  read("ip-addr", (text, path) => {
    checkShape(text, path, /^\s|^\d+: \S+: </, "this is no line of `ip -d addr`: print it without -j, -o and -br");
    readDevices(ns, text, path);
    enslaveDevices(ns, text, path);
    readAddresses(ns, text, path);
    // A port that comes up forwards, which one without a carrier does not.
    readPorts(ns, text, path);
  });
  for (const [family, suffix] of [
    ["ipv4", ""],
    ["ipv6", "6"],
  ] as const) {
    read(`ip-route${suffix}`, (text, path) => readRoutes(ns, family, routesToAdd(text), path));
    read(`ip-rule${suffix}`, (text, path) => {
      checkShape(text, path, /^\d+:\s/, "this is no line of `ip rule`: print it without -j");
      readRules(ns, family, text, path);
    });
  }
  read("ip-neigh", (text, path) => {
    checkShape(text, path, /^\s|^[\da-f.:]+ dev \S+/i, "this is no line of `ip neigh`: print it without -j");
    readNeighbours(ns, text, path);
  });
}

/** `bridge fdb`. */
export function readBridgeDump(ns: NetworkNamespace, name: string, files: Files): void {
  const text = files.get("bridge-fdb");
  const path = `${name}/bridge-fdb`;
  if (text !== undefined) {
    checkShape(text, path, /^(?:[\da-f]{2}:){5}[\da-f]{2} /i, "this is no line of `bridge fdb`: print it without -j");
    readFdb(ns, text, path);
  }
  const links = files.get("bridge-link");
  if (links !== undefined) readPorts(ns, links, `${name}/bridge-link`);
}

/** The numbers of `sysctl -a`; what is no number says nothing about the network here. */
export function sysctlsOf(text: string): string {
  const lines: string[] = [];
  readLines(text, "sysctl-a", (line) => void lines.push(/^net\.\S+ = -?\d+(\s+\d+)?\s*$/.test(line) ? line : ""));
  return lines.join("\n");
}

/** A device of `ip -d addr`: its first line, as far as it was read. */
interface Shown {
  readonly name: string;
  readonly mtu: string;
  readonly master: string | undefined;
  mac: string | undefined;
}

/** Lines that do not stand in from begin a device: all else was printed in another way, or by another program. */
function checkShape(text: string, file: string, shape: RegExp, hint: string): void {
  readLines(text, file, (line) => {
    if (line.trim() !== "" && !shape.test(line)) throw new LineProblem("BAD_DUMP", 1, hint);
  });
}

/** Calls back for each line behind a device's first one, and makes a command of each line. */
function eachDevice(
  ns: NetworkNamespace,
  text: string,
  file: string,
  command: (device: Shown, line: string, isFirst: boolean) => string | undefined,
): void {
  let device: Shown | undefined;
  runBatch(
    text,
    file,
    (words) => runIp(ns, words),
    (line) => {
      const first = /^\d+: ([^@:\s]+)(?:@\S+)?: <\S*> mtu (\d+)(?:.* master (\S+))?/.exec(line);
      if (first !== null) device = { name: first[1] ?? "", mtu: first[2] ?? "", master: first[3], mac: undefined };
      const mac = /^\s+link\/ether (\S+)/.exec(line)?.[1];
      if (device !== undefined && mac !== undefined) device.mac = mac;
      return device === undefined ? "" : (command(device, line, first !== null) ?? "");
    },
  );
}

/** Bridges, tunnels and dummies are made as the details say; of the ends of links only MAC addresses are read. */
function readDevices(ns: NetworkNamespace, text: string, file: string): void {
  eachDevice(ns, text, file, ({ name, mtu, mac }, line) => {
    if (ns.devices.has(name)) {
      return mac !== undefined && line.includes("link/ether") ? `link set ${name} address ${mac}` : undefined;
    }
    const [, kind, rest = ""] =
      /^\s+(bridge|vxlan|dummy|ipip) (.*)$/.exec(line) ?? /^\s+(dummy)()\s*$/.exec(line) ?? [];
    // One VXLAN device for all: eBPF says where a packet goes.
    if (kind === undefined || / external\b/.test(line)) return addForeign(ns, { name, mtu, mac }, line);
    const address = mac === undefined ? "" : ` address ${mac}`;
    return `link add ${name}${address} mtu ${mtu} type ${kind}${kindOptions(kind, rest)}`;
  });
}

/** The line with the kind of a device; a network card has none, and its details stand behind its address. */
const kindLine =
  /^ {4}(?!inet6? |link\/|altname |alias |vf |\w+_slave )([a-z]\w*) |^ {4}(?:link\/|\w+_slave ).*\bnumtxqueues /;

/** What is no end of a link, and nothing that is modelled, exists with its addresses and routes. */
function addForeign(ns: NetworkNamespace, { name, mtu, mac }: Omit<Shown, "master">, line: string): undefined {
  const details = kindLine.exec(line);
  if (details === null) return;
  const address = mac === undefined ? undefined : parseMac(mac);
  addDevice(ns, {
    kind: "foreign",
    type: details[1] ?? "physical",
    name,
    mtu: Number(mtu),
    ...(address && { mac: address }),
  });
}

function kindOptions(kind: string, details: string): string {
  const pick = (pattern: RegExp): string => {
    const found = pattern.exec(details)?.[0];
    return found === undefined ? "" : ` ${found}`;
  };
  if (kind === "vxlan") {
    const parts = [
      /\bid \d+/,
      /\blocal \S+/,
      /\b(?:group|remote) \S+/,
      /\bdev \S+/,
      /\bsrcport \d+ \d+/,
      /\bdstport \d+/,
      /\bttl (?:\d+|inherit)\b/,
      /\bdf (?:set|inherit)\b/,
      /\bageing \d+/,
      /\bnolearning\b/,
    ];
    return parts.map(pick).join("");
  }
  if (kind !== "ipip") return "";
  const parts = [/\blocal [\d.]+/, /\bremote [\d.]+/, /\bdev \S+/, /\bttl (?:\d+|inherit)\b/, /\b(?:no)?pmtudisc\b/];
  return parts.map(pick).join("");
}

/** Ports come after the bridges, which may stand below them. A bond, a team or a VRF holds its devices another way. */
function enslaveDevices(ns: NetworkNamespace, text: string, file: string): void {
  eachDevice(ns, text, file, ({ name, master }, _line, isFirst) =>
    isFirst && master !== undefined && ns.devices.has(name) && ns.devices.get(master)?.kind === "bridge"
      ? `link set ${name} master ${master}`
      : undefined,
  );
}

/** Of `ip -d addr` and of `bridge -d link`, which says a port's state in its first line. */
function readPorts(ns: NetworkNamespace, text: string, file: string): void {
  eachDevice(ns, text, file, ({ name }, line) => {
    if (ns.devices.get(name)?.port === undefined || !/ (?:hairpin|state) \w/.test(line)) return undefined;
    const switches = ["hairpin", "isolated", "learning", "flood", "bcast_flood", "mcast_flood"].map(
      (key) => new RegExp(` ${key} (?:on|off)\\b`).exec(line)?.[0] ?? "",
    );
    const state = / state (disabled|listening|learning|forwarding|blocking)\b/.exec(line)?.[0] ?? "";
    const all = `${state}${switches.join("")}`;
    return all === "" ? undefined : `link set ${name} type bridge_slave${all}`;
  });
}

/**
 * The kernel makes the routes of table local itself. The next hops of a multipath route stand on the lines behind it.
 * Words about the state of a route (its error, its age) are left out. Lines keep their numbers.
 */
function routesToAdd(text: string): string {
  const lines = text.split("\n");
  return lines
    .map((line, index) => {
      if (/^(local|broadcast|anycast|multicast) |\btable local\b|^\s/.test(line)) return "";
      const bare = line.replaceAll(/ (error -?\d+|expires \S+|linkdown)\b/g, "");
      const hops: string[] = [];
      for (let at = index + 1; /^\s+nexthop /.test(lines[at] ?? ""); at++) hops.push((lines[at] as string).trim());
      return [bare, ...hops].join(" ");
    })
    .join("\n");
}
