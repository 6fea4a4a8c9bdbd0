import { formatIpvsadmSave } from "../ipvs/ipvsadm.ts";
import type { Device, WiredDevice } from "../kernel/device.ts";
import { writeNamespace } from "../topology/write.ts";
import type { DeviceNames } from "./device-names.ts";
import type { PlannedNamespace } from "./plan.ts";
import { LabError, ipBatches, run, runIn } from "./run.ts";

/** A namespace that stands. */
export interface BuiltNamespace extends PlannedNamespace {
  /** Device names by interface index. */
  readonly deviceNames: ReadonlyMap<number, string>;
}

/**
 * Kernel defaults that a new namespace might not have: it takes IPv4 settings from the machine's first namespace
 * (net.core.devconf_inherit_init_net). ICMP errors are not rate limited, for a flow would then end in silence.
 */
export const baseSysctls: readonly string[] = [
  "net.ipv4.ip_forward=0",
  ...["all", "default"].flatMap((device) => [
    ...["rp_filter", "route_localnet", "accept_local", "src_valid_mark", "arp_ignore", "arp_announce", "proxy_arp"].map(
      (name) => `net.ipv4.conf.${device}.${name}=0`,
    ),
    ...["send_redirects", "secure_redirects", "shared_media", "accept_redirects"].map(
      (name) => `net.ipv4.conf.${device}.${name}=1`,
    ),
    `net.ipv6.conf.${device}.accept_dad=0`,
    `net.ipv6.conf.${device}.router_solicitations=0`,
  ]),
  "net.ipv4.icmp_ratelimit=0",
  "net.ipv4.icmp_msgs_per_sec=1000000",
  "net.ipv4.icmp_msgs_burst=1000000",
  "net.ipv6.icmp.ratelimit=0",
  "net.netfilter.nf_conntrack_tcp_loose=1",
];

/** Veth ends whose interface indexes are equal wait up to a second for their carrier: all indexes are unequal. */
export const firstIndex = 100;

/** Makes the namespaces of a plan, wires them and programs them. Throws a LabError with what Linux said. */
export async function buildNamespaces(plan: readonly PlannedNamespace[]): Promise<readonly BuiltNamespace[]> {
  const hasIpv6 = plan.some(({ ns }) => [...ns.devices.values()].some(isIpv6));
  const ipv6Off = hasIpv6 ? "" : "net.ipv6.conf.all.disable_ipv6=1\nnet.ipv6.conf.default.disable_ipv6=1\n";
  for (const { id } of plan) {
    run(["ip", "netns", "add", id]);
    // Before the links are made: a device begins with the settings called default.
    runIn(id, ["sysctl", "-q", "-e", "-p", "-"], `${baseSysctls.join("\n")}\n${ipv6Off}`);
  }
  run(["ip", "-batch", "-"], links(plan));
  for (const planned of plan) program(planned, hasIpv6);
  await carriers(plan);
  return plan.map((planned) => ({ ...planned, deviceNames: deviceNames(planned.id, planned.names) }));
}

/** Takes down what stands of a plan. */
export function removeNamespaces(plan: readonly PlannedNamespace[]): void {
  const standing = new Set(run(["ip", "netns", "list"]).split(/\s+/));
  for (const { id } of plan) if (standing.has(id)) run(["ip", "netns", "delete", id]);
}

function isIpv6({ kind, addresses }: Device): boolean {
  return (
    kind !== "loopback" && addresses.some(({ address, scope }) => typeof address === "bigint" && scope === "global")
  );
}

function isWired(device: Device): device is WiredDevice {
  return device.kind === "veth" || device.kind === "physical";
}

/** `ip -batch` lines for the cables between the namespaces. */
function links(plan: readonly PlannedNamespace[]): string {
  const byName = new Map(plan.map((planned) => [planned.ns.name, planned]));
  const done = new Set<string>();
  const lines: string[] = [];
  let index = firstIndex;
  for (const { ns, id, names } of plan) {
    for (const device of ns.devices.values()) {
      if (!isWired(device) || device.peer === undefined || done.has(`${ns.name} ${device.name}`)) continue;
      const other = byName.get(device.peer.namespace);
      const peer = other?.ns.devices.get(device.peer.device);
      if (other === undefined || peer === undefined) continue;
      done.add(`${other.ns.name} ${peer.name}`);
      lines.push(
        `link add name ${names.linux(device.name)} index ${++index} address ${device.mac} netns ${id} type veth ` +
          `peer name ${other.names.linux(peer.name)} index ${++index} address ${peer.mac} netns ${other.id}\n`,
      );
    }
  }
  return lines.join("");
}

function program({ ns, id, names, iptables, ipvs, dark }: PlannedNamespace, hasIpv6: boolean): void {
  const files = new Map(
    [...writeNamespace(ns, iptables)].map(([file, text]) => [
      file,
      file === "sysctl" ? names.inSettings(text) : names.inText(text),
    ]),
  );
  const sysctls = (own: string, ...flags: string[]): void => {
    if (own !== "") runIn(id, ["sysctl", "-q", ...flags, "-p", "-"], own);
  };
  // Settings of devices that come with `ip` are unknown the first time.
  sysctls(files.get("sysctl") ?? "", "-e");
  run(["ip", "-n", id, "link", "set", "lo", "up"]);
  if (dark) {
    const wired = [...ns.devices.values()].filter(isWired);
    run(["ip", "-n", id, "-batch", "-"], wired.map(({ name }) => `link set ${names.linux(name)} up\n`).join(""));
    return;
  }
  for (const { words, text } of ipBatches(files.get("ip") ?? "")) runIn(id, words, text);
  if (files.has("bridge")) run(["bridge", "-n", id, "-batch", "-"], files.get("bridge"));
  sysctls(files.get("sysctl") ?? "", "-e");
  if (files.has("ipset")) runIn(id, ["ipset", "restore"], files.get("ipset"));
  if (ipvs !== undefined) runIn(id, ["ipvsadm", "-R"], formatIpvsadmSave(ipvs.table));
  if (iptables === undefined) return;
  for (const [file, tool] of [
    ["iptables", "iptables-legacy"],
    ["ip6tables", "ip6tables-legacy"],
  ] as const) {
    if (file === "ip6tables" && !hasIpv6) continue;
    const text = files.get(file);
    if (text !== undefined) runIn(id, [`${tool}-restore`], text);
    for (const chain of ["PREROUTING", "OUTPUT"]) runIn(id, [tool, "-w", "-t", "raw", "-I", chain, "-j", "TRACE"]);
  }
  runIn(id, ["sysctl", "-q", "net.netfilter.nf_log.2=nfnetlink_log", "net.netfilter.nf_log.10=nfnetlink_log"]);
}

export interface ShownLink {
  readonly ifindex: number;
  readonly ifname: string;
  readonly flags: readonly string[];
  readonly qdisc?: string;
}

export function shownLinks(id: string): readonly ShownLink[] {
  return JSON.parse(run(["ip", "-n", id, "-j", "link"])) as ShownLink[];
}

/** The engine's names of the devices of a namespace by their indexes on Linux. */
export function deviceNames(id: string, names?: DeviceNames): ReadonlyMap<number, string> {
  return new Map(shownLinks(id).map(({ ifindex, ifname }) => [ifindex, names?.engine(ifname) ?? ifname]));
}

function hasCarriers({ ns, id, names }: PlannedNamespace): boolean {
  return shownLinks(id).every(({ ifname, flags, qdisc }) => {
    const device = ns.devices.get(names.engine(ifname));
    const neverHas = device?.kind === "bridge" && device.ports.length === 0;
    return neverHas || !flags.includes("UP") || (flags.includes("LOWER_UP") && qdisc !== "noop");
  });
}

/** A device that is up still drops frames until it has its carrier and a queue. */
async function carriers(plan: readonly PlannedNamespace[]): Promise<void> {
  let late = plan;
  for (let attempt = 0; attempt < 200; attempt++) {
    late = late.filter((planned) => !hasCarriers(planned));
    if (late.length === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const devices = late.flatMap(({ id }) =>
    shownLinks(id).map(({ ifname, flags, qdisc }) => `${id} ${ifname} ${flags.join()} ${qdisc}`),
  );
  throw new LabError(`these devices never got their carrier: ${devices.join("; ")}`);
}
