import { type BuiltNamespace as EngineNamespace } from "../topology/build.ts";
import { dumpFiles } from "../topology/dumps.ts";
import type { NamespaceFiles, Topology } from "../topology/topology.ts";
import { writeNamespace } from "../topology/write.ts";
import { baseSysctls, deviceNames, firstIndex, shownLinks } from "./build.ts";
import { DeviceNames } from "./device-names.ts";
import { LabError, ipBatches, run, runIn } from "./run.ts";

/** A namespace of a topology that stands on this machine. */
export interface StandingNamespace {
  readonly name: string;
  /** Its name on this machine. */
  readonly id: string;
  /** Device names by interface index. */
  readonly deviceNames: ReadonlyMap<number, string>;
}

/**
 * Makes the namespaces of a topology in the order of the recorded cases: veth pairs up, sysctl, ip, then per namespace
 * bridge, sysctl again, ipset, iptables, exec. `engine` is the same topology, built there. Throws a LabError.
 */
export async function standTopology(
  topology: Topology,
  engine: ReadonlyMap<string, EngineNamespace>,
): Promise<readonly StandingNamespace[]> {
  const ids = new Map(topology.namespaces.map(({ name }, index) => [name, `kubehop${index}`]));
  for (const id of ids.values()) {
    run(["ip", "netns", "add", id]);
    runIn(id, ["sysctl", "-q", "-e", "-p", "-"], baseSysctls.join("\n"));
  }
  run(["ip", "-batch", "-"], linkLines(topology, ids));
  const plans = topology.namespaces.map((folder) => ({
    folder: asCommands(folder, engine),
    id: ids.get(folder.name) as string,
  }));
  for (const { folder, id } of plans) runScript(id, folder, addressScript(id, folder, wiresOf(topology, folder.name)));
  for (const { folder, id } of plans) runScript(id, folder, ruleScript(folder));
  await carriers(plans.map(({ id }) => id));
  return plans.map(({ folder, id }) => ({ name: folder.name, id, deviceNames: deviceNames(id) }));
}

/** Takes down what stands. */
export function removeTopology(topology: Topology): void {
  const standing = new Set(run(["ip", "netns", "list"]).split(/\s+/));
  for (const index of topology.namespaces.keys()) {
    if (standing.has(`kubehop${index}`)) run(["ip", "netns", "delete", `kubehop${index}`]);
  }
}

/** A namespace that is described by a node's dumps is made by the commands that the engine writes of it. */
function asCommands(folder: NamespaceFiles, engine: ReadonlyMap<string, EngineNamespace>): NamespaceFiles {
  const own = engine.get(folder.name);
  if (own === undefined || !dumpFiles.some((file) => folder.files.has(file))) return folder;
  const kept = [...folder.files].filter(([file]) => file === "exec");
  const written = new Map(writeNamespace(own.namespace, own.iptables));
  const names = new DeviceNames(own.namespace.devices.keys());
  written.set("sysctl", names.inSettings(written.get("sysctl") ?? ""));
  return { name: folder.name, files: new Map([...written, ...kept]) };
}

function linkLines({ links }: Topology, ids: ReadonlyMap<string, string>): string {
  let index = firstIndex;
  return links
    .map(({ ends }) => {
      const [first, second] = ends.map(
        ({ namespace, device, mac }) =>
          `name ${device} index ${++index}${mac === undefined ? "" : ` address ${mac}`} netns ${ids.get(namespace)}`,
      );
      return `link add ${first} type veth peer ${second}\n`;
    })
    .join("");
}

/** Runs a shell script in a namespace; it says which file failed where. */
function runScript(id: string, { name }: NamespaceFiles, script: string): void {
  try {
    runIn(id, ["sh", "-e"], script);
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    throw new LabError(`namespace ${name}: ${error.message.replace(/^nsenter \S+ sh -e: /, "")}`);
  }
}

const input = (text: string): string => `<<'END-OF-FILE'\n${text.replace(/\n?$/, "\n")}END-OF-FILE\n`;

/** The ends of links in a namespace. */
function wiresOf({ links }: Topology, namespace: string): readonly string[] {
  return links.flatMap(({ ends }) => ends.filter((end) => end.namespace === namespace).map(({ device }) => device));
}

/** A kernel that has ipip loaded gives every new namespace a `tunl0`: it is set up, not added. */
function withoutFallback(id: string, batch: string): string {
  const has = run(["ip", "-n", id, "-o", "link"]).includes(": tunl0@");
  if (!has) return batch;
  return batch.replace(
    /^link add (?:name )?tunl0 (mtu \d+ )?type ipip.*$/gm,
    (_line, mtu = "") => `link set tunl0 ${mtu}down`,
  );
}

function addressScript(id: string, { files }: NamespaceFiles, wires: readonly string[]): string {
  return [
    `ip -batch - ${input(["lo", ...wires].map((device) => `link set ${device} up\n`).join(""))}`,
    `sysctl -q -e -p - ${input(files.get("sysctl") ?? "")}`,
    ...ipBatches(withoutFallback(id, files.get("ip") ?? "")).map(
      ({ words, text }) => `${words.join(" ")} ${input(text)}`,
    ),
  ].join("");
}

function ruleScript({ files }: NamespaceFiles): string {
  const parts: string[] = [];
  const add = (file: string, command: string): void => {
    const text = files.get(file);
    if (text !== undefined) parts.push(`${command} ${input(text)}`);
  };
  add("bridge", "bridge -batch -");
  add("sysctl", "sysctl -q -e -p -");
  add("ipset", "ipset restore");
  add("iptables", "iptables-legacy-restore");
  add("ip6tables", "ip6tables-legacy-restore");
  parts.push(
    ...["iptables-legacy", "ip6tables-legacy"].flatMap((tool) =>
      ["PREROUTING", "OUTPUT"].map((chain) => `${tool} -w -t raw -I ${chain} -j TRACE\n`),
    ),
    "sysctl -q net.netfilter.nf_log.2=nfnetlink_log net.netfilter.nf_log.10=nfnetlink_log\n",
    (files.get("exec") ?? "").replace(/\n?$/, "\n"),
  );
  return parts.join("");
}

/** Rounds of 20 ms in which devices may still get their carrier. One whose other end is down never does. */
const mostRounds = 25;

/** A device that is up still drops frames until it has its carrier and a queue. */
async function carriers(ids: readonly string[]): Promise<void> {
  let late = ids;
  for (let round = 0; round < mostRounds && late.length > 0; round++) {
    if (round > 0) await new Promise((resolve) => setTimeout(resolve, 20));
    late = late.filter((id) =>
      shownLinks(id).some(
        ({ flags, qdisc }) => flags.includes("UP") && !(flags.includes("LOWER_UP") && qdisc !== "noop"),
      ),
    );
  }
}
