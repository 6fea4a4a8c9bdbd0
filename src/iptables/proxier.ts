import { deletionText, staleConnections } from "../proxy/conntrack-cleanup.ts";
import { nodePortAddresses } from "../proxy/node-port-addresses.ts";
import type { NodeCommand, Proxier, ProxyNode, ProxyOptions, ProxySync } from "../proxy/proxier.ts";
import { type ProxyObjects, type ServiceMap, carryOver, track } from "../proxy/tracker.ts";
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
}

/** More endpoints than this: large-cluster mode. */
const largeClusterEndpoints = 1000;

/** kube-proxy 1.30 in iptables mode. pkg/proxy/iptables/proxier.go. */
export const iptablesProxier: Proxier<IptablesProxierState, IptablesProxierCommand> = { mode: "iptables", sync };

function sync(
  objects: ProxyObjects,
  node: ProxyNode,
  options: ProxyOptions,
  previous?: IptablesProxierState,
): ProxySync<IptablesProxierState, IptablesProxierCommand> {
  const { family } = options;
  const context = contextText(node, options);
  const last = previous?.context === context ? previous : undefined;
  const { map, changes } = track(objects, { family, nodeName: node.name, nodeLabels: node.labels }, last?.map);
  const nodePorts = nodePortAddresses(options.nodePortAddresses, family);
  const localhost = family === "ipv4" && options.localhostNodePorts && nodePorts.containsIPv4Loopback;
  const ruleContext: RuleContext = {
    family,
    masqueradeAll: options.masqueradeAll,
    detector: detectorTerms(options.detector),
    nodeIP: node.nodeIPs[family],
    largeCluster: map.endpointCount > largeClusterEndpoints,
  };

  const changed: PortRules[] = [];
  const obsolete: PortRules[] = [];
  const rules = carryOver(
    { services: last?.map.services ?? [], values: last?.rules ?? [] },
    map.services,
    (service) => {
      const made = service.ports.map((port) => portRules(port, ruleContext));
      changed.push(...made);
      return made;
    },
    (value) => void obsolete.push(...value),
  );
  const state: IptablesProxierState = { map, rules, context };
  if (last !== undefined && changes.length === 0) return { state, commands: [], events: [] };

  const commands: IptablesProxierCommand[] = [];
  if (last === undefined) {
    if (localhost) commands.push({ kind: "sysctl", name: "net.ipv4.conf.all.route_localnet", value: 1 });
    for (const call of jumpCalls()) commands.push({ kind: "iptables", family, ...call });
  }
  // What an earlier sync in another context left behind is gone too: a full sync knows every chain there is.
  if (last === undefined && previous !== undefined) obsolete.push(...previous.rules.flat());
  const restore: ProxierRestore = {
    family,
    filter: filterRules(options, localhost),
    nat: natRules(options, node, nodePorts, localhost),
    services: rules,
    changed: new Set(changed),
    stale: staleChains(obsolete, changed),
  };
  commands.push({ kind: "iptables-restore", restore });
  const deletions = staleConnections(changes);
  return {
    state,
    commands: [...commands, ...deletions],
    events: [...map.healthChecks.values(), ...deletions.map(deletionText)],
  };
}

/** Chains that are in the kernel and no longer wanted, sorted. */
function staleChains(obsolete: readonly PortRules[], current: readonly PortRules[]): string[] {
  const names = new Set<string>();
  for (const { chains } of obsolete) for (const { name } of chains) names.add(name);
  if (names.size === 0) return [];
  for (const { chains } of current) for (const { name } of chains) names.delete(name);
  return [...names].sort();
}

/** A change in here makes a full sync. */
export function contextText(node: ProxyNode, options: ProxyOptions): string {
  const addresses = node.addresses.map(({ device, address }) => `${device} ${formatAddress(address)}`);
  const own = node.nodeIPs[options.family];
  return JSON.stringify([node.name, node.labels, own === undefined ? "" : formatAddress(own), addresses, options]);
}
