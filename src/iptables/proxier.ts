import { cleanupText, connectionCleanup } from "../proxy/conntrack-cleanup.ts";
import { nanosPerSecond } from "../kernel/clock.ts";
import { nodePortAddresses } from "../proxy/node-port-addresses.ts";
import type { NodeCommand, Proxier, ProxyNode, ProxyOptions, ProxySync } from "../proxy/proxier.ts";
import { since } from "../cluster/release.ts";
import { type ProxyObjects, type ServiceMap, type TrackedPort, carryOver, track } from "../proxy/tracker.ts";
import { type Family, formatAddress } from "../wire/address.ts";
import { type Call, filterRules, jumpCalls, natRules } from "./proxier-fixed.ts";
import { type PortRules, type RuleContext, portRules } from "./proxier-rules.ts";
import type { ProxierRestore } from "./proxier-restore.ts";
import { detectorTerms } from "./proxier-terms.ts";

/** What kube-proxy in iptables mode tells a node, in the order it does. */
export type IptablesProxierCommand =
  | NodeCommand
  /** One call of iptables(8); a jump is inserted only where it is missing. */
  | ({ readonly kind: "iptables"; readonly family: Family } & Call)
  /** One call of `iptables-restore --noflush --counters`. */
  | { readonly kind: "iptables-restore"; readonly restore: ProxierRestore };

/** What the proxier remembers between syncs. */
export interface IptablesProxierState {
  readonly map: ServiceMap;
  /** Per Service of the map, its ports' rules as they are in the kernel. */
  readonly rules: readonly (readonly PortRules[])[];
  /** Text of everything else the rules depend on. */
  readonly context: string;
  /** Chains that are in the kernel and no longer used. */
  readonly stale: ReadonlySet<string>;
  readonly cleanedUpAtNanos: number;
}

/** More endpoints than this: large-cluster mode. */
const largeClusterEndpoints = 1000;

/** Stale chains of a large cluster are deleted this often: iptables-save takes long there. `--iptables-sync-period`. */
const cleanupPeriodNanos = 30 * nanosPerSecond;

/** kube-proxy in iptables mode, as in 1.30 unless release.ts says otherwise. pkg/proxy/iptables/proxier.go. */
export const iptablesProxier: Proxier<IptablesProxierState, IptablesProxierCommand> = { mode: "iptables", sync };

function sync(
  objects: ProxyObjects,
  node: ProxyNode,
  options: ProxyOptions,
  previous?: IptablesProxierState,
): ProxySync<IptablesProxierState, IptablesProxierCommand> {
  const { family } = options;
  const nodePorts = nodePortAddresses(options.nodePortAddresses, family);
  const localhost = family === "ipv4" && options.localhostNodePorts && nodePorts.containsIPv4Loopback;
  const context = contextText(node, options, nodePorts.matchAll ? [] : node.addresses);
  const isFull = previous?.context !== context;
  const tracking = { family, nodeName: node.name, nodeLabels: node.labels, release: options.release };
  const { map, changes } = track(objects, tracking, previous?.map);
  const largeCluster = map.endpointCount > largeClusterEndpoints;
  const ruleContext: RuleContext = {
    family,
    masqueradeAll: options.masqueradeAll,
    detector: detectorTerms(options.detector),
    nodeIP: node.nodeIPs[family],
    largeCluster,
    countsLocalhost: localhost && options.release >= since.nfacct,
  };
  const contextOfRules = JSON.stringify([
    family,
    options.masqueradeAll,
    options.detector,
    largeCluster,
    ruleContext.countsLocalhost,
  ]);
  const changed: PortRules[] = [];
  const obsolete: PortRules[] = isFull ? (previous?.rules.flat() ?? []) : [];
  const rules = carryOver(
    isFull ? { services: [], values: [] } : { services: previous.map.services, values: previous.rules },
    map.services,
    (service) => {
      const made = service.ports.map((port) => sharedPortRules(port, ruleContext, contextOfRules));
      changed.push(...made);
      return made;
    },
    (value) => void obsolete.push(...value),
  );
  if (!isFull && changes.length === 0 && objects.isDue !== true)
    return { state: { ...previous, map, rules }, commands: [], events: [] };

  const commands: IptablesProxierCommand[] = [];
  if (previous === undefined && localhost) {
    commands.push({ kind: "sysctl", name: "net.ipv4.conf.all.route_localnet", value: 1 });
  }
  if (isFull) for (const call of jumpCalls()) commands.push({ kind: "iptables", family, ...call });
  const { nowNanos } = objects;
  const cleanedUpAtNanos = previous?.cleanedUpAtNanos ?? Number.NEGATIVE_INFINITY;
  const isDue = nowNanos === undefined || nowNanos - cleanedUpAtNanos > cleanupPeriodNanos;
  const cleansUp = !largeCluster || isDue;
  const stale = staleChains(previous?.stale ?? new Set(), obsolete, changed);
  const restore: ProxierRestore = {
    family,
    filter: filterRules(options, localhost),
    nat: natRules(options, node, nodePorts, localhost),
    services: rules,
    changed: new Set(changed),
    stale: cleansUp ? [...stale].sort() : [],
  };
  commands.push({ kind: "iptables-restore", restore });
  const state: IptablesProxierState = {
    map,
    rules,
    context,
    stale: cleansUp ? new Set() : stale,
    cleanedUpAtNanos: cleansUp ? (nowNanos ?? cleanedUpAtNanos) : cleanedUpAtNanos,
  };
  const cleanups = connectionCleanup(map, changes, { ...tracking, ownerOf: objects.ownerOf });
  return {
    state,
    commands: [...commands, ...cleanups],
    events: [...map.healthChecks.values(), ...cleanups.map(cleanupText)],
  };
}

const rulesOf = new WeakMap<TrackedPort, { readonly context: string; readonly rules: PortRules }>();

/** Nodes that have a port's endpoints in common share its rules; source ranges may hold a node's own address. */
function sharedPortRules(tracked: TrackedPort, context: RuleContext, text: string): PortRules {
  if (tracked.port.sourceRanges.length > 0) return portRules(tracked, context);
  const known = rulesOf.get(tracked);
  if (known?.context === text) return known.rules;
  const rules = portRules(tracked, context);
  rulesOf.set(tracked, { context: text, rules });
  return rules;
}

/** Chains that are in the kernel and no longer wanted. */
function staleChains(
  before: ReadonlySet<string>,
  obsolete: readonly PortRules[],
  current: readonly PortRules[],
): Set<string> {
  const names = new Set(before);
  const kept = new Set(current);
  for (const rules of obsolete) {
    if (!kept.has(rules)) for (const { name } of rules.chains) names.add(name);
  }
  if (names.size === 0) return names;
  for (const { chains } of current) for (const { name } of chains) names.delete(name);
  return names;
}

/** A change in here makes a full sync. */
export function contextText(node: ProxyNode, options: ProxyOptions, addresses: ProxyNode["addresses"]): string {
  const own = node.nodeIPs[options.family];
  const texts = addresses.map(({ address }) => formatAddress(address));
  return JSON.stringify([node.name, node.labels, own === undefined ? "" : formatAddress(own), texts, options]);
}
