import type { Call } from "../iptables/proxier-fixed.ts";
import { type RestoreTable, formatTable, plainTable } from "../iptables/proxier-restore.ts";
import { contextText } from "../iptables/proxier.ts";
import { cleanupText, connectionCleanup } from "../proxy/conntrack-cleanup.ts";
import { nodePortAddresses } from "../proxy/node-port-addresses.ts";
import type { NodeCommand, Proxier, ProxyNode, ProxyOptions, ProxySync } from "../proxy/proxier.ts";
import { type ProxyObjects, type ServiceMap, carryOver, track } from "../proxy/tracker.ts";
import type { Owner } from "../trace/records.ts";
import {
  type Address,
  type Family,
  familyOf,
  formatAddress,
  formatEndpoint,
  isLinkLocal,
  isLoopback,
} from "../wire/address.ts";
import { type PlanContext, type PlannedServer, type PlannedService, type PortPlan, portPlan } from "./proxier-plan.ts";
import { filterChains, jumpCalls, natChains, writeRules } from "./proxier-rules.ts";
import { type SetId, setIds } from "./proxier-sets.ts";

/** What kube-proxy in IPVS mode tells a node, in the order it does. */
export type IpvsProxierCommand =
  | NodeCommand
  | { readonly kind: "add-dummy"; readonly device: string }
  | { readonly kind: "bind"; readonly device: string; readonly address: string; readonly owner: Owner }
  | { readonly kind: "unbind"; readonly device: string; readonly address: string }
  | ({ readonly kind: "iptables"; readonly family: Family } & Call)
  | {
      readonly kind: "iptables-restore";
      readonly family: Family;
      readonly tables: readonly RestoreTable[];
      readonly text: string;
    }
  | { readonly kind: "create-set"; readonly set: SetId; readonly family: Family }
  | {
      readonly kind: "add-member";
      readonly set: SetId;
      readonly family: Family;
      readonly member: string;
      readonly owner: Owner;
    }
  | { readonly kind: "delete-member"; readonly set: SetId; readonly family: Family; readonly member: string }
  | {
      readonly kind: "add-service";
      readonly service: PlannedService;
      readonly scheduler: string;
      readonly schedulerFlags: readonly string[];
    }
  /** Another persistence: servers and connections stay. */
  | { readonly kind: "edit-service"; readonly service: PlannedService }
  | { readonly kind: "delete-service"; readonly service: PlannedService }
  | { readonly kind: "add-server"; readonly service: PlannedService; readonly server: PlannedServer }
  /** Gracefully: a TCP server with connections keeps them at weight 0. graceful_termination.go. */
  | { readonly kind: "delete-server"; readonly service: PlannedService; readonly server: PlannedServer };

/** What the proxier has told the node so far. */
export interface IpvsProxierState {
  readonly map: ServiceMap;
  readonly plans: readonly (readonly PortPlan[])[];
  readonly context: string;
  /** On kube-ipvs0. */
  readonly addresses: ReadonlyMap<string, Owner>;
  readonly services: ReadonlyMap<string, PlannedService>;
  readonly members: ReadonlyMap<SetId, ReadonlyMap<string, Owner>>;
}

export const dummyDevice = "kube-ipvs0";

/** kube-proxy 1.30 in IPVS mode. pkg/proxy/ipvs/proxier.go. */
export const ipvsProxier: Proxier<IpvsProxierState, IpvsProxierCommand> = { mode: "ipvs", sync };

function sync(
  objects: ProxyObjects,
  node: ProxyNode,
  options: ProxyOptions,
  previous?: IpvsProxierState,
): ProxySync<IpvsProxierState, IpvsProxierCommand> {
  const { family } = options;
  const others = node.addresses.filter(({ device, address }) => device !== dummyDevice && familyOf(address) === family);
  const context = contextText(node, options, others);
  const isFull = previous?.context !== context;
  const tracking = { family, nodeName: node.name, nodeLabels: node.labels, release: options.release };
  const { map, changes } = track(objects, tracking, previous?.map);
  const planContext = planContextOf(
    node,
    options,
    others.map(({ address }) => address),
  );
  const plans = carryOver(
    isFull ? { services: [], values: [] } : { services: previous.map.services, values: previous.plans },
    map.services,
    ({ ports }) => ports.map((port) => portPlan(port, planContext)),
    () => undefined,
  );
  if (!isFull && changes.length === 0 && objects.isDue !== true)
    return { state: { ...previous, map, plans }, commands: [], events: [] };
  const state: IpvsProxierState = { map, plans, context, ...wanted(plans) };
  const cleanups = connectionCleanup(map, changes, { ...tracking, ownerOf: objects.ownerOf });
  const removals = removed(previous, state, family);
  const commands: IpvsProxierCommand[] = [
    ...(previous === undefined ? firstCommands(options) : []),
    ...additions(previous, state, options),
    restoreCommand(state, plans, options),
    ...removals,
    ...cleanups,
  ];
  const events = [...removals.flatMap(removalText), ...map.healthChecks.values(), ...cleanups.map(cleanupText)];
  return { state, commands, events };
}

/** Sysctls of NewProxier, and what every sync makes sure of. */
function firstCommands({ family, ipvsStrictArp }: ProxyOptions): IpvsProxierCommand[] {
  const sysctl = (name: string, value: number): IpvsProxierCommand => ({ kind: "sysctl", name, value });
  return [
    sysctl("net.ipv4.vs.conntrack", 1),
    sysctl("net.ipv4.vs.expire_nodest_conn", 1),
    sysctl("net.ipv4.vs.expire_quiescent_template", 1),
    sysctl("net.ipv4.ip_forward", 1),
    ...(ipvsStrictArp ? [sysctl("net.ipv4.conf.all.arp_ignore", 1), sysctl("net.ipv4.conf.all.arp_announce", 2)] : []),
    ...jumpCalls().map((call): IpvsProxierCommand => ({ kind: "iptables", family, ...call })),
    { kind: "add-dummy", device: dummyDevice },
    ...setIds.map((set): IpvsProxierCommand => ({ kind: "create-set", set, family })),
  ];
}

function planContextOf(
  node: ProxyNode,
  { family, nodePortAddresses: cidrs }: ProxyOptions,
  others: readonly Address[],
): PlanContext {
  const served = nodePortAddresses(cidrs, family).nodeAddresses(
    others.filter((address) => !isLoopback(address) && !(family === "ipv6" && isLinkLocal(address))),
  );
  return {
    nodeIP: node.nodeIPs[family],
    nodePortAddresses: served.map((address) => ({ address, text: formatAddress(address) })),
    nodeName: node.name,
    ownAddresses: new Set(others.map(formatAddress)),
  };
}

/** All plans together. */
function wanted(plans: IpvsProxierState["plans"]): Pick<IpvsProxierState, "addresses" | "services" | "members"> {
  const addresses = new Map<string, Owner>();
  const services = new Map<string, PlannedService>();
  const members = new Map(setIds.map((set): [SetId, Map<string, Owner>] => [set, new Map()]));
  for (const ports of plans) {
    for (const plan of ports) {
      for (const { address, owner } of plan.bound) if (!addresses.has(address)) addresses.set(address, owner);
      for (const service of plan.services) services.set(planText(service), service);
      for (const { set, member, owner } of plan.members) members.get(set)?.set(member, owner);
    }
  }
  members.set("ipvsIPs", addresses);
  return { addresses, services, members };
}

type Wanted = Pick<IpvsProxierState, "addresses" | "services" | "members">;

function additions(previous: Wanted | undefined, next: Wanted, options: ProxyOptions): IpvsProxierCommand[] {
  const { family, ipvsScheduler: scheduler } = options;
  // Maglev hashing takes the source port into account (IP_VS_SVC_F_SCHED_MH_PORT).
  const schedulerFlags = scheduler === "mh" ? ["mh-port"] : [];
  const commands: IpvsProxierCommand[] = [];
  for (const [text, service] of next.services) {
    const before = previous?.services.get(text);
    if (before === undefined) commands.push({ kind: "add-service", service, scheduler, schedulerFlags });
    else if (before.persistenceSeconds !== service.persistenceSeconds) commands.push({ kind: "edit-service", service });
    const known = new Set(before?.servers.map(serverText));
    for (const server of service.servers) {
      if (!known.has(serverText(server))) commands.push({ kind: "add-server", service, server });
    }
  }
  for (const [address, owner] of next.addresses) {
    if (previous?.addresses.has(address) !== true) commands.push({ kind: "bind", device: dummyDevice, address, owner });
  }
  for (const [set, members] of next.members) {
    const before = previous?.members.get(set);
    for (const [member, owner] of members) {
      if (before?.has(member) !== true) commands.push({ kind: "add-member", set, family, member, owner });
    }
  }
  return commands;
}

function removed(previous: Wanted | undefined, next: Wanted, family: Family): IpvsProxierCommand[] {
  if (previous === undefined) return [];
  const commands: IpvsProxierCommand[] = [];
  for (const [set, members] of previous.members) {
    for (const member of members.keys()) {
      if (next.members.get(set)?.has(member) !== true) commands.push({ kind: "delete-member", set, family, member });
    }
  }
  for (const address of previous.addresses.keys()) {
    if (!next.addresses.has(address)) commands.push({ kind: "unbind", device: dummyDevice, address });
  }
  for (const [text, service] of previous.services) {
    const after = next.services.get(text);
    if (after === undefined) {
      commands.push({ kind: "delete-service", service });
      continue;
    }
    const kept = new Set(after.servers.map(serverText));
    for (const server of service.servers) {
      if (!kept.has(serverText(server))) commands.push({ kind: "delete-server", service, server });
    }
  }
  return commands;
}

function restoreCommand(state: Wanted, plans: IpvsProxierState["plans"], options: ProxyOptions): IpvsProxierCommand {
  const outFilter = plans.flatMap((ports) => ports.flatMap((plan) => plan.outFilter));
  const rules = writeRules(options, (set) => (state.members.get(set)?.size ?? 0) > 0, outFilter);
  const nat = { chains: natChains, first: rules.nat };
  const filter = { chains: filterChains, first: rules.filter };
  return {
    kind: "iptables-restore",
    family: options.family,
    tables: [plainTable("nat", nat), plainTable("filter", filter)],
    text: formatTable("nat", nat) + formatTable("filter", filter),
  };
}

function removalText(command: IpvsProxierCommand): string[] {
  switch (command.kind) {
    case "unbind":
      return [`unbind ${command.address} from ${command.device}`];
    case "delete-service":
      return [`ipvs: deleted virtual server ${planText(command.service)}`];
    case "delete-server":
      return [`ipvs: deleted real server ${serverText(command.server)} of ${planText(command.service)}`];
    default:
      return [];
  }
}

/** `10.96.0.10:80/TCP`. */
export function planText({ address, port, protocol }: PlannedService): string {
  return `${formatEndpoint(address, port)}/${protocol.toUpperCase()}`;
}

export function serverText({ address, port }: PlannedServer): string {
  return formatEndpoint(address, port);
}
