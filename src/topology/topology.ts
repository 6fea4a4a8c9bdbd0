import { type TextProblem, LineProblem, TextError, readLines } from "../iptables/text-error.ts";

/*
 * A folder of plain Linux state (NS is a namespace, itself a path where its name has a slash):
 *   links             one veth pair a line: `ns:if[=mac] ns:if[=mac]`
 *   flows             what is sent: `name namespace protocol destination option=value ...`
 *   NS/sysctl         `name=value` lines            NS/iptables, NS/ip6tables   iptables-restore text
 *   NS/ip             `ip -batch` lines             NS/ipset                    `ipset restore` text
 *   NS/bridge         `bridge -batch` lines         NS/listen                   `tcp 8080` lines
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

/** Something to send. */
export interface FlowLine {
  readonly name: string;
  readonly from: string;
  readonly protocol: "tcp" | "udp" | "icmp" | "raw";
  /** `10.96.0.11:80`, `[fd00::1]:80`, or an address alone. */
  readonly destination: string;
  readonly options: Readonly<Record<string, string>>;
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
        const bare = text.replace(/(^|\s)#.*$/, "").trim();
        if (bare !== "") line(bare);
      });
    } catch (error) {
      if (!(error instanceof TextError)) throw error;
      problems.push(...error.problems);
    }
  };
  read("links", (text) => links.push(parseLink(text)));
  read("flows", (text) => flows.push(parseFlow(text)));
  if (problems.length > 0) throw new TextError(problems);
  return { links, flows, namespaces: namespacesOf(files, links) };
}

function parseLink(text: string): Link {
  const ends = text.split(/\s+/).map((end) => {
    const match = /^([^=\s]+):([^:=\s]+)(?:=(\S+))?$/.exec(end);
    const [, namespace, device, mac] = match ?? [];
    if (namespace === undefined || device === undefined) {
      throw new LineProblem("BAD_LINK", text.indexOf(end) + 1, `${end} is not NAMESPACE:DEVICE[=MAC]`);
    }
    return { namespace, device, ...(mac !== undefined && { mac }) };
  });
  const [first, second] = ends;
  if (first === undefined || second === undefined || ends.length > 2) {
    throw new LineProblem("BAD_LINK", 1, "a link has two ends: NAMESPACE:DEVICE NAMESPACE:DEVICE");
  }
  return { ends: [first, second] };
}

function parseFlow(text: string): FlowLine {
  const [name, from, protocol, destination, ...rest] = text.split(/\s+/);
  if (name === undefined || from === undefined || destination === undefined) {
    throw new LineProblem("BAD_FLOW", 1, "a flow is NAME NAMESPACE PROTOCOL DESTINATION [OPTION=VALUE]...");
  }
  if (protocol !== "tcp" && protocol !== "udp" && protocol !== "icmp" && protocol !== "raw") {
    throw new LineProblem("BAD_FLOW", text.indexOf(protocol ?? "") + 1, `${protocol} is not tcp, udp, icmp or raw`);
  }
  const options: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const option of rest) {
    const at = option.indexOf("=");
    if (at < 1) throw new LineProblem("BAD_FLOW", text.indexOf(option) + 1, `${option} is not OPTION=VALUE`);
    options[option.slice(0, at)] = option.slice(at + 1);
  }
  return { name, from, protocol, destination, options };
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
