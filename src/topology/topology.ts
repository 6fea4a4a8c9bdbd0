import { type TextProblem, LineProblem, TextError, readLines } from "../iptables/text-error.ts";
import { parseMac } from "../wire/mac.ts";
import { dumpFiles } from "./dumps.ts";
import { type FlowLine, parseFlow } from "./flow-line.ts";

/*
 * A folder of plain Linux state (NS is a namespace, itself a path where its name has a slash):
 *   links             one veth pair a line: `ns:if[=mac] ns:if[=mac]`
 *   flows             what is sent: `name namespace protocol destination option=value ...`
 *   NS/sysctl         `name=value` lines            NS/iptables, NS/ip6tables   iptables-restore text
 *   NS/ip             `ip -batch` lines             NS/ipset                    `ipset restore` text
 *   NS/bridge         `bridge -batch` lines         NS/listen                   `tcp 8080` lines
 *   NS/ip-addr, ip-route, ip-rule, ip-neigh, bridge-fdb, sysctl-a   what a real node prints (dumps.ts)
 *   NS/exec           commands run last (`echo +ADDRESS > /proc/net/xt_recent/NAME`, `ipvsadm ...`)
 */

/** Files by their path inside the folder, with `/`. */
export type TopologyFiles = ReadonlyMap<string, string>;

export interface LinkEnd {
  readonly namespace: string;
  readonly device: string;
  readonly mac?: string;
}

export interface Link {
  readonly ends: readonly [LinkEnd, LinkEnd];
}

export interface NamespaceFiles {
  readonly name: string;
  /** File name to text: `sysctl`, `ip`, `iptables`, ... */
  readonly files: ReadonlyMap<string, string>;
}

export interface Topology {
  readonly links: readonly Link[];
  readonly flows: readonly FlowLine[];
  readonly namespaces: readonly NamespaceFiles[];
}

/** Reads the folder's own files; those of the namespaces are read when it is built. Throws a TextError. */
export function parseTopology(files: TopologyFiles): Topology {
  const links: Link[] = [];
  const flows: FlowLine[] = [];
  const problems: TextProblem[] = [];
  const read = (file: string, line: (text: string) => void): void => {
    try {
      readLines(files.get(file) ?? "", file, (text) => {
        const bare = text.replace(/(^|\s)#.*$/, "").trimEnd();
        if (bare !== "") line(bare);
      });
    } catch (error) {
      if (!(error instanceof TextError)) throw error;
      problems.push(...error.problems);
    }
  };
  const devices = new Set<string>();
  read("links", (text) => links.push(parseLink(text, devices)));
  const namespaces = namespacesOf(files, links);
  problems.push(...namespaces.flatMap(unknownFiles));
  const names = new Set(namespaces.map(({ name }) => name));
  read("flows", (text) => flows.push(parseFlow(text, names)));
  if (problems.length > 0) throw new TextError(problems);
  return { links, flows, namespaces };
}

/** `taken` holds the devices of the lines before: each has one other end. */
function parseLink(text: string, taken: Set<string>): Link {
  const ends = text
    .trim()
    .split(/\s+/)
    .map((end) => {
      const fail = (message: string): never => {
        throw new LineProblem("BAD_LINK", text.indexOf(end) + 1, message);
      };
      const match = /^([^=\s]+):([^:=\s]+)(?:=(\S+))?$/.exec(end);
      const [, namespace, device, mac] = match ?? [];
      if (namespace === undefined || device === undefined) return fail(`${end} is not NAMESPACE:DEVICE[=MAC]`);
      if (!isDeviceName(device)) return fail(`${device} is no device name: Linux takes 1 to 15 characters`);
      if (mac !== undefined && parseMac(mac) === undefined) return fail(`${mac} is not a MAC address`);
      const place = `${namespace}:${device}`;
      if (device === "lo" || taken.has(place)) return fail(`${place} exists already: a device is the end of one link`);
      taken.add(place);
      return { namespace, device, ...(mac !== undefined && { mac }) };
    });
  const [first, second] = ends;
  if (first === undefined || second === undefined || ends.length > 2) {
    throw new LineProblem("BAD_LINK", 1, "a link has two ends: NAMESPACE:DEVICE NAMESPACE:DEVICE");
  }
  return { ends: [first, second] };
}

/** dev_valid_name(), net/core/dev.c. */
export function isDeviceName(name: string): boolean {
  return /^[^\s/:]{1,15}$/.test(name) && name !== "." && name !== "..";
}

const knownFiles: readonly string[] = [
  "bridge",
  "exec",
  "ip",
  "ip6tables",
  "ipset",
  "iptables",
  "listen",
  "sysctl",
  ...dumpFiles,
];

/** What is not read might decide: it is refused. */
function unknownFiles({ name, files }: NamespaceFiles): TextProblem[] {
  return [...files.keys()]
    .filter((file) => !knownFiles.includes(file) && !file.startsWith("."))
    .map((file) => ({
      code: "UNKNOWN_FILE",
      file: `${name}/${file}`,
      line: 1,
      column: 1,
      message: `a namespace has no file ${file}; there are ${knownFiles.join(", ")}`,
    }));
}

function namespacesOf(files: TopologyFiles, links: readonly Link[]): NamespaceFiles[] {
  const names = new Map<string, Map<string, string>>();
  const filesOf = (name: string): Map<string, string> => {
    let found = names.get(name);
    if (found === undefined) names.set(name, (found = new Map()));
    return found;
  };
  for (const { ends } of links) for (const { namespace } of ends) filesOf(namespace);
  for (const [path, text] of files) {
    const at = path.lastIndexOf("/");
    if (at > 0) filesOf(path.slice(0, at)).set(path.slice(at + 1), text);
  }
  return [...names].map(([name, own]) => ({ name, files: own }));
}
