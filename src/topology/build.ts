import { type Iptables, createIptables } from "../iptables/netns.ts";
import { CommandError } from "../iptables/apply.ts";
import { restoreSets } from "../iptables/ipset/text.ts";
import { parseRestore } from "../iptables/parse.ts";
import { IpvsadmError, runIpvsadm } from "../ipvs/ipvsadm.ts";
import type { Ipvs } from "../ipvs/ipvs.ts";
import { createIpvs } from "../ipvs/netns.ts";
import { IpvsError } from "../ipvs/service-table.ts";
import { LineProblem, TextError, type TextProblem, readLines } from "../iptables/text-error.ts";
import { addDevice, setUp } from "../kernel/link.ts";
import { createNamespace } from "../kernel/namespace-create.ts";
import type { NetworkNamespace, Surroundings } from "../kernel/namespace.ts";
import type { Network } from "../kernel/network.ts";
import type { Family } from "../wire/address.ts";
import { parseAddress } from "../wire/address.ts";
import { parseMac } from "../wire/mac.ts";
import { readBridgeDump, readIpDumps, sysctlsOf } from "./dumps.ts";
import { runBridgeBatch, runIpBatch } from "./ip-batch.ts";
import { setSysctl } from "./sysctl-line.ts";
import type { LinkEnd, NamespaceFiles, Topology } from "./topology.ts";

/** A namespace of a built topology. */
export interface BuiltNamespace {
  readonly namespace: NetworkNamespace;
  readonly iptables: Iptables;
  readonly listens: readonly ListenLine[];
}

/** A line of a `listen` file. */
export interface ListenLine {
  readonly protocol: "tcp" | "udp" | "sctp";
  readonly port: number;
  /** IP_TRANSPARENT is set: TPROXY may hand it what is addressed to others. */
  readonly transparent?: boolean;
}

export interface BuildOptions {
  readonly network: Network;
  readonly surroundings: Surroundings;
}

/**
 * Makes the namespaces and links of a topology and programs them in the order of the recorder: veth pairs up,
 * sysctl, ip, dumps, then per namespace bridge, sysctl again, ipset, iptables, exec. Throws a TextError with all problems.
 */
export function buildTopology(topology: Topology, options: BuildOptions): ReadonlyMap<string, BuiltNamespace> {
  const { network, surroundings } = options;
  const built = new Map<string, BuiltNamespace>();
  const problems: TextProblem[] = [];
  const attempt = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      if (!(error instanceof TextError)) throw error;
      problems.push(...error.problems);
    }
  };
  for (const { name, files } of topology.namespaces) {
    const namespace = createNamespace({ name, surroundings });
    network.add(namespace);
    const listens: ListenLine[] = [];
    attempt(() => readLines(files.get("listen") ?? "", `${name}/listen`, (line) => readListen(line, listens)));
    built.set(name, { namespace, iptables: createIptables(namespace), listens });
  }
  for (const { ends } of topology.links) {
    const [a, b] = ends;
    for (const [end, peer] of [
      [a, b],
      [b, a],
    ] as const)
      addEnd(built, end, peer);
  }
  const each = (work: (own: BuiltNamespace, files: NamespaceFiles) => void): void => {
    for (const files of topology.namespaces) attempt(() => work(built.get(files.name) as BuiltNamespace, files));
  };
  each(({ namespace }, files) => setAllSysctls(namespace, files));
  each(({ namespace }, { name, files }) => runIpBatch(namespace, files.get("ip") ?? "", `${name}/ip`));
  each(({ namespace }, { name, files }) => readIpDumps(namespace, name, files));
  each(program);
  if (problems.length > 0) throw new TextError(problems);
  return built;
}

function addEnd(built: ReadonlyMap<string, BuiltNamespace>, end: LinkEnd, peer: LinkEnd): void {
  const { namespace } = built.get(end.namespace) as BuiltNamespace;
  const mac = end.mac === undefined ? undefined : parseMac(end.mac);
  addDevice(namespace, {
    kind: "veth",
    name: end.device,
    peer: { namespace: peer.namespace, device: peer.device },
    ...(mac && { mac }),
  });
  setUp(namespace, end.device);
}

function program(own: BuiltNamespace, folder: NamespaceFiles): void {
  const { namespace, iptables } = own;
  const { name, files } = folder;
  runBridgeBatch(namespace, files.get("bridge") ?? "", `${name}/bridge`);
  readBridgeDump(namespace, name, files);
  setAllSysctls(namespace, folder);
  restoreSets(iptables.sets, files.get("ipset") ?? "", `${name}/ipset`);
  for (const [file, family] of [
    ["iptables", "ipv4"],
    ["ip6tables", "ipv6"],
  ] as const) {
    const text = files.get(file);
    if (text !== undefined) restore(iptables, text, `${name}/${file}`, family);
  }
  let ipvs: Ipvs | undefined;
  readLines(files.get("exec") ?? "", `${name}/exec`, (line) => {
    const command = line.replace(/(^|\s)#.*$/, "").trim();
    if (command === "" || runRecent(own, command)) return;
    if (command.startsWith("ipvsadm ")) return balance((ipvs ??= createIpvs(namespace, iptables)), command);
    throw new LineProblem("UNKNOWN_COMMAND", 1, `${command} is not a command that is modelled`);
  });
}

function restore(iptables: Iptables, text: string, file: string, family: Family): void {
  try {
    iptables.restore(parseRestore(text, { family, file }), { noFlush: false });
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    throw new TextError([{ code: error.code, file, line: 1, column: 1, message: error.message }]);
  }
}

function balance({ table }: Ipvs, command: string): void {
  try {
    runIpvsadm(table, command);
  } catch (error) {
    if (error instanceof IpvsadmError || error instanceof IpvsError)
      throw new LineProblem(error.code, 1, error.message);
    throw error;
  }
}

/** `echo +ADDRESS > /proc/net/xt_recent/NAME`; `-ADDRESS` takes out, `/` empties. */
function runRecent({ iptables, namespace }: BuiltNamespace, command: string): boolean {
  const match = /^echo ([+-]?)(\S+) > \/proc\/net\/xt_recent\/([\w.-]+)$/.exec(command);
  if (match === null) return false;
  const [, sign, text = "", name = ""] = match;
  const list = iptables.recentLists.list(name);
  if (text === "/") list.clear();
  else {
    const address = parseAddress(text);
    if (address === undefined) throw new LineProblem("BAD_ADDRESS", 1, `${text} is not an address`);
    if (sign === "-") list.forget(address);
    else list.see(address, namespace.surroundings.clock.nowNanos());
  }
  return true;
}

function setAllSysctls(namespace: NetworkNamespace, { name, files }: NamespaceFiles): void {
  setSysctls(namespace, sysctlsOf(files.get("sysctl-a") ?? ""), `${name}/sysctl-a`);
  setSysctls(namespace, files.get("sysctl") ?? "", `${name}/sysctl`);
}

function setSysctls(namespace: NetworkNamespace, text: string, file: string): void {
  readLines(text, file, (line) => setSysctl(namespace.sysctls, line));
}

function readListen(line: string, listens: ListenLine[]): void {
  const bare = line.trim();
  if (bare === "") return;
  const match = /^(tcp|udp|sctp)\s+(\d+)(\s+transparent)?$/.exec(bare);
  if (match === null) throw new LineProblem("BAD_LISTEN", 1, `${bare} is not PROTOCOL PORT [transparent]`);
  listens.push({
    protocol: match[1] as ListenLine["protocol"],
    port: Number(match[2]),
    transparent: match[3] !== undefined,
  });
}
