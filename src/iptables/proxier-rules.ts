import { type ServicePort, usesClusterEndpoints, usesLocalEndpoints } from "../proxy/service-port.ts";
import type { TrackedPort } from "../proxy/tracker.ts";
import type { Address, Family } from "../wire/address.ts";
import { contains } from "../wire/cidr.ts";
import { parseCidrSloppy } from "../cluster/sloppy.ts";
import type { ChainBundle } from "./live-chains.ts";
import type { Match } from "./matches/index.ts";
import { BalancingChain, chainsOf, endpointChains } from "./proxier-endpoints.ts";
import { owned } from "./proxier-owned-rule.ts";
import { type ServiceChainNames, endpointChainPrefix, serviceChainNames } from "./proxier-names.ts";
import {
  accept,
  addressTerm,
  comment,
  counter,
  drop,
  jump,
  localType,
  markMasquerade,
  protocolTerms,
  reject,
} from "./proxier-terms.ts";
import type { Chain, Rule } from "./rule.ts";
import type { Target } from "./targets/index.ts";

/** What the rules of a service port depend on besides the port and its endpoints. */
export interface RuleContext {
  readonly family: Family;
  readonly masqueradeAll: boolean;
  readonly detector: { readonly local: Match; readonly notLocal: Match } | undefined;
  readonly nodeIP: Address | undefined;
  /** Over 1,000 endpoints: rules of endpoints get no comment. */
  readonly largeCluster: boolean;
  /** Packets from localhost to a nodePort are counted. */
  readonly countsLocalhost: boolean;
}

/** A rule of one of the chains that all Services share. */
export interface SharedRule {
  readonly chain: string;
  readonly rule: Rule;
}

/** The rules of one service port, each list in the order kube-proxy writes it in. */
export interface PortRules extends ChainBundle {
  /** In shared chains of the filter table. */
  readonly filter: readonly SharedRule[];
  /** In shared chains of the nat table. */
  readonly nat: readonly SharedRule[];
  /** The chains of its own, all in nat, in the order of their chain lines; they, and their rules, are made when somebody looks at them. */
  readonly chains: readonly Chain[];
  /** The chain whose first rule kube-proxy writes before all rules of these chains. */
  readonly beginsWith: string | undefined;
}

/** pkg/proxy/iptables/proxier.go (syncProxyRules), the loop over service ports. */
export function portRules(tracked: TrackedPort, context: RuleContext): PortRules {
  return new RulesOfPort(tracked, context);
}

class RulesOfPort implements PortRules {
  readonly filter: readonly SharedRule[];
  readonly nat: readonly SharedRule[];
  readonly beginsWith: string | undefined;
  readonly entries: readonly string[];
  readonly innerPrefix: string = endpointChainPrefix;
  readonly #port: ServicePort;
  readonly #chosen: TrackedPort["chosen"];
  readonly #context: RuleContext;
  readonly #names: ServiceChainNames;
  readonly #use: Usage;
  readonly #terms: PortTerms;
  #chains: readonly Chain[] | undefined;

  constructor(tracked: TrackedPort, context: RuleContext) {
    const { port, chosen } = tracked;
    const names = serviceChainNames(port);
    const use = usageOf(tracked, names);
    const terms: PortTerms = {
      clusterIP: [comment(`${port.text} cluster IP`), ...towards(port, port.clusterIP)],
      loadBalancer: comment(`${port.text} loadbalancer IP`),
    };
    this.#port = port;
    this.#chosen = chosen;
    this.#context = context;
    this.#names = names;
    this.#use = use;
    this.#terms = terms;
    this.entries = [
      ...(use.externalChain ? [names.external] : []),
      ...(use.firewallChain ? [names.firewall] : []),
      ...(use.clusterChain ? [names.cluster] : []),
      ...(use.localChain ? [names.local] : []),
    ];
    this.filter = sharedFilterRules(port, names, use, context);
    this.nat = sharedNatRules(port, names, use, terms, context);
    const tellsOutsiders = use.internal && (context.masqueradeAll || context.detector !== undefined);
    this.beginsWith = tellsOutsiders ? use.internalChain : undefined;
  }

  get chains(): readonly Chain[] {
    return (this.#chains ??= this.#makeChains());
  }

  #makeChains(): Chain[] {
    const port = this.#port;
    const names = this.#names;
    const use = this.#use;
    const context = this.#context;
    const { reachable, cluster, local } = this.#chosen;
    const chains: Chain[] = [];
    if (use.externalChain) chains.push({ name: names.external, rules: externalRules(port, names, use, context) });
    if (use.firewallChain) {
      chains.push({ name: names.firewall, rules: firewallRules(port, names, this.#terms, context) });
    }
    const first = use.internal ? outsiderRules(port, this.#terms, context) : [];
    const ofEndpoints = endpointChains(port, reachable, context.largeCluster);
    if (use.clusterChain) {
      const outsiders = port.internalPolicyLocal ? [] : first;
      chains.push(new BalancingChain(names.cluster, port, outsiders, chainsOf(cluster, reachable, ofEndpoints)));
    }
    if (use.localChain) {
      const outsiders = port.internalPolicyLocal ? first : [];
      chains.push(new BalancingChain(names.local, port, outsiders, chainsOf(local, reachable, ofEndpoints)));
    }
    return [...chains, ...ofEndpoints];
  }
}

/** Which chains a service port has, and whether traffic finds an endpoint. */
interface Usage {
  readonly hasAny: boolean;
  readonly internal: boolean;
  readonly external: boolean;
  readonly internalChain: string;
  readonly externalPolicyChain: string;
  readonly clusterChain: boolean;
  readonly localChain: boolean;
  readonly externalChain: boolean;
  readonly firewallChain: boolean;
}

function usageOf({ port, chosen }: TrackedPort, names: ServiceChainNames): Usage {
  const { hasAny } = chosen;
  const hasLocal = chosen.local.length > 0;
  return {
    hasAny,
    internal: port.internalPolicyLocal ? hasLocal : hasAny,
    external: port.externalPolicyLocal ? hasLocal : hasAny,
    internalChain: port.internalPolicyLocal ? names.local : names.cluster,
    externalPolicyChain: port.externalPolicyLocal ? names.local : names.cluster,
    clusterChain: chosen.cluster.length > 0 && usesClusterEndpoints(port),
    localChain: hasLocal && usesLocalEndpoints(port),
    // Also without an endpoint for outsiders: pods and the node itself are let in by a shortcut.
    externalChain: hasAny && port.externallyAccessible,
    firewallChain: hasAny && port.loadBalancerIPs.length > 0 && port.sourceRanges.length > 0,
  };
}

/** Terms that stand in several rules. */
interface PortTerms {
  readonly clusterIP: readonly Match[];
  readonly loadBalancer: Match;
}

function towards(port: ServicePort, ip: string): readonly Match[] {
  return [...protocolTerms(port.protocol, port.port), addressTerm("destination", ip)];
}

/** KUBE-SERVICES and KUBE-NODEPORTS in nat: from an address and port to the port's chains. */
function sharedNatRules(
  port: ServicePort,
  names: ServiceChainNames,
  use: Usage,
  terms: PortTerms,
  { countsLocalhost }: RuleContext,
): SharedRule[] {
  const rules: SharedRule[] = [];
  const push = (chain: string, matches: readonly Match[], to: string): void =>
    void rules.push({ chain, rule: owned(matches, jump(to), port) });
  if (use.internal) push("KUBE-SERVICES", terms.clusterIP, use.internalChain);
  if (!use.hasAny) return rules;
  for (const ip of port.externalIPs) {
    push("KUBE-SERVICES", [comment(`${port.text} external IP`), ...towards(port, ip)], names.external);
  }
  for (const ip of port.loadBalancerIPs) {
    const to = use.firewallChain ? names.firewall : names.external;
    push("KUBE-SERVICES", [terms.loadBalancer, ...towards(port, ip)], to);
  }
  if (port.nodePort !== 0) {
    // Source ranges do not hold for nodePorts.
    const toNodePort = [comment(port.text), ...protocolTerms(port.protocol, port.nodePort)];
    if (countsLocalhost) {
      const counted = [addressTerm("destination", "127.0.0.0/8"), counter("localhost_nps_accepted_pkts")];
      push("KUBE-NODEPORTS", [...toNodePort, ...counted], names.external);
    }
    push("KUBE-NODEPORTS", toNodePort, names.external);
  }
  return rules;
}

const none: readonly SharedRule[] = [];

/** Refusals where nobody could answer, and the load balancer's firewall. */
function sharedFilterRules(
  port: ServicePort,
  names: ServiceChainNames,
  use: Usage,
  { family }: RuleContext,
): readonly SharedRule[] {
  if (use.internal && use.external && !use.firewallChain && port.healthCheckNodePort === 0) return none;
  const rules: SharedRule[] = [];
  const push = (chain: string, matches: readonly Match[], target: Target): void =>
    void rules.push({ chain, rule: owned(matches, target, port) });
  // Nobody has endpoints: refuse. Only other nodes have: be silent, so that the sender tries elsewhere.
  const refusal = use.hasAny ? drop : reject(family);
  const why = comment(`${port.text} has no ${use.hasAny ? "local " : ""}endpoints`);
  const refuse = (ip: string): void => push("KUBE-EXTERNAL-SERVICES", [why, ...towards(port, ip)], refusal);

  if (!use.internal) push("KUBE-SERVICES", [why, ...towards(port, port.clusterIP)], refusal);
  if (!use.external) for (const ip of port.externalIPs) refuse(ip);
  if (use.firewallChain) {
    const notAccepted = comment(`${port.text} traffic not accepted by ${names.firewall}`);
    for (const ip of port.loadBalancerIPs) push("KUBE-PROXY-FIREWALL", [notAccepted, ...towards(port, ip)], drop);
  }
  if (!use.external) for (const ip of port.loadBalancerIPs) refuse(ip);
  if (!use.external && port.nodePort !== 0) {
    const toNodePort = protocolTerms(port.protocol, port.nodePort);
    push("KUBE-EXTERNAL-SERVICES", [why, localType("dst"), ...toNodePort], refusal);
  }
  if (port.healthCheckNodePort !== 0) {
    const healthCheck = comment(`${port.text} health check node port`);
    push("KUBE-NODEPORTS", [healthCheck, ...protocolTerms("TCP", port.healthCheckNodePort)], accept);
  }
  return rules;
}

/** Traffic to the cluster IP that no local pod sent is masqueraded: its answers have to come back here. */
function outsiderRules(
  port: ServicePort,
  { clusterIP }: PortTerms,
  { masqueradeAll, detector }: RuleContext,
): readonly Rule[] {
  if (masqueradeAll) return [owned(clusterIP, markMasquerade, port)];
  return detector ? [owned([...clusterIP, detector.notLocal], markMasquerade, port)] : [];
}

/** KUBE-EXT: who is masqueraded, and who may use the endpoints of the whole cluster although the policy is Local. */
function externalRules(port: ServicePort, names: ServiceChainNames, use: Usage, context: RuleContext): Rule[] {
  const rest: Rule[] = use.external ? [owned([], jump(use.externalPolicyChain), port)] : [];
  if (!port.externalPolicyLocal) {
    // The endpoint may be on another node, whose answer has to come back through this one.
    const why = comment(`masquerade traffic for ${port.text} external destinations`);
    return [owned([why], markMasquerade, port), ...rest];
  }
  const toCluster = jump(names.cluster);
  const fromNode = localType("src");
  const marked = comment(`masquerade LOCAL traffic for ${port.text} external destinations`);
  const routed = comment(`route LOCAL traffic for ${port.text} external destinations`);
  const rules = [owned([marked, fromNode], markMasquerade, port), owned([routed, fromNode], toCluster, port)];
  if (context.detector === undefined) return [...rules, ...rest];
  const why = comment(`pod traffic for ${port.text} external destinations`);
  return [owned([why, context.detector.local], toCluster, port), ...rules, ...rest];
}

/** KUBE-FW: lets the source ranges through; the rest falls through to KUBE-PROXY-FIREWALL in filter. */
function firewallRules(
  port: ServicePort,
  names: ServiceChainNames,
  { loadBalancer }: PortTerms,
  { nodeIP }: RuleContext,
): Rule[] {
  const target = jump(names.external);
  const from = (text: string): Rule => owned([loadBalancer, addressTerm("source", text)], target, port);
  const rules = port.sourceRanges.map(from);
  const allowsNode = port.sourceRanges.some((text) => {
    const block = parseCidrSloppy(text);
    return block !== undefined && nodeIP !== undefined && contains(block, nodeIP);
  });
  // Some load balancers hand packets on with their own address as the source.
  if (allowsNode) rules.push(...port.loadBalancerIPs.map(from));
  const rest = comment(`other traffic to ${port.text} will be dropped by KUBE-PROXY-FIREWALL`);
  return [...rules, { matches: [rest], owner: port.owner }];
}
