import type { Endpoint } from "../proxy/endpoints.ts";
import { type ServicePort, usesClusterEndpoints, usesLocalEndpoints } from "../proxy/service-port.ts";
import type { TrackedPort } from "../proxy/tracker.ts";
import type { Family } from "../wire/address.ts";
import { address } from "../wire/address.ts";
import { contains } from "../wire/cidr.ts";
import { parseCidrSloppy } from "../proxy/sloppy.ts";
import type { Address } from "../wire/address.ts";
import type { Match } from "./matches/index.ts";
import { type ServiceChainNames, endpointChainName, serviceChainNames } from "./proxier-names.ts";
import {
  accept,
  addressTerm,
  append,
  chainLine,
  comment,
  dnat,
  drop,
  hostTerm,
  jump,
  localType,
  protocolTerms,
  reject,
} from "./proxier-terms.ts";
import type { Command, Rule } from "./rule.ts";
import type { Target } from "./targets/index.ts";

/** What the rules of a service port depend on besides the port and its endpoints. */
export interface RuleContext {
  readonly family: Family;
  readonly masqueradeAll: boolean;
  readonly detector: { readonly local: Match; readonly notLocal: Match } | undefined;
  readonly nodeIP: Address | undefined;
  /** Over 1,000 endpoints: rules of endpoints get no comment. */
  readonly largeCluster: boolean;
}

/** The rules of one service port, each list in the order kube-proxy writes it in. */
export interface PortRules {
  /** Rules in the fixed chains of the filter table. */
  readonly filter: readonly Command[];
  /** Rules in the fixed chains of the nat table. */
  readonly nat: readonly Command[];
  /** The chains of its own, all in nat, as chain lines. */
  readonly ownChains: readonly Command[];
  /** The rules in them. */
  readonly ownRules: readonly Command[];
}

export const markMasquerade: Target = jump("KUBE-MARK-MASQ");

/** pkg/proxy/iptables/proxier.go (syncProxyRules), the loop over service ports. */
export function portRules({ port, chosen }: TrackedPort, context: RuleContext): PortRules {
  const names = serviceChainNames(port);
  const { owner } = port;
  const rule = (matches: readonly Match[], target: Target): Rule => ({ matches, target, owner });
  const filter: Command[] = [];
  const nat: Command[] = [];
  const ownChains: Command[] = [];
  const ownRules: Command[] = [];

  const usesClusterChain = chosen.cluster.length > 0 && usesClusterEndpoints(port);
  const usesLocalChain = chosen.local.length > 0 && usesLocalEndpoints(port);
  const hasInternal = port.internalPolicyLocal ? chosen.local.length > 0 : chosen.hasAny;
  const hasExternal = port.externalPolicyLocal ? chosen.local.length > 0 : chosen.hasAny;
  const internalChain = port.internalPolicyLocal ? names.local : names.cluster;
  const usesExternalChain = chosen.hasAny && port.externallyAccessible;
  const usesFirewallChain = chosen.hasAny && port.loadBalancerIPs.length > 0 && port.sourceRanges.length > 0;
  // Nobody has endpoints: refuse. Only other nodes have: be silent, so that the sender tries elsewhere.
  const refusal = chosen.hasAny ? drop : reject(context.family);
  const whyRefused = comment(`${port.text} has no ${chosen.hasAny ? "local " : ""}endpoints`);

  if (usesExternalChain) ownChains.push(chainLine(names.external));
  if (usesFirewallChain) ownChains.push(chainLine(names.firewall));

  const [proto, protocol] = protocolTerms(port.protocol, port.port);
  const toAddress = (text: string): readonly Match[] => [proto, protocol, addressTerm("destination", text)];
  const clusterIP = toAddress(port.clusterIP);
  const clusterIPComment = comment(`${port.text} cluster IP`);
  if (hasInternal) nat.push(append("KUBE-SERVICES", rule([clusterIPComment, ...clusterIP], jump(internalChain))));
  else filter.push(append("KUBE-SERVICES", rule([whyRefused, ...clusterIP], refusal)));

  for (const ip of port.externalIPs) {
    const matches = toAddress(ip);
    if (chosen.hasAny) {
      nat.push(append("KUBE-SERVICES", rule([comment(`${port.text} external IP`), ...matches], jump(names.external))));
    }
    if (!hasExternal) filter.push(append("KUBE-EXTERNAL-SERVICES", rule([whyRefused, ...matches], refusal)));
  }

  const loadBalancerComment = comment(`${port.text} loadbalancer IP`);
  for (const ip of port.loadBalancerIPs) {
    const matches = toAddress(ip);
    if (chosen.hasAny) {
      const target = jump(usesFirewallChain ? names.firewall : names.external);
      nat.push(append("KUBE-SERVICES", rule([loadBalancerComment, ...matches], target)));
    }
    if (usesFirewallChain) {
      const why = comment(`${port.text} traffic not accepted by ${names.firewall}`);
      filter.push(append("KUBE-PROXY-FIREWALL", rule([why, ...matches], drop)));
    }
  }
  if (!hasExternal) {
    for (const ip of port.loadBalancerIPs) {
      filter.push(append("KUBE-EXTERNAL-SERVICES", rule([whyRefused, ...toAddress(ip)], refusal)));
    }
  }

  if (port.nodePort !== 0) {
    const toNodePort = protocolTerms(port.protocol, port.nodePort);
    if (chosen.hasAny) {
      nat.push(append("KUBE-NODEPORTS", rule([comment(port.text), ...toNodePort], jump(names.external))));
    }
    if (!hasExternal) {
      const matches = [whyRefused, localType("dst"), ...toNodePort];
      filter.push(append("KUBE-EXTERNAL-SERVICES", rule(matches, refusal)));
    }
  }
  if (port.healthCheckNodePort !== 0) {
    const why = comment(`${port.text} health check node port`);
    const matches = [why, ...protocolTerms("TCP", port.healthCheckNodePort)];
    filter.push(append("KUBE-NODEPORTS", rule(matches, accept)));
  }

  if (hasInternal) {
    const sources = context.masqueradeAll ? [] : context.detector && [context.detector.notLocal];
    if (sources !== undefined) {
      ownRules.push(append(internalChain, rule([clusterIPComment, ...clusterIP, ...sources], markMasquerade)));
    }
  }
  if (usesExternalChain) {
    ownRules.push(...externalRules(port, names, context).map((one) => append(names.external, one)));
    const policyChain = port.externalPolicyLocal ? names.local : names.cluster;
    if (hasExternal) ownRules.push(append(names.external, rule([], jump(policyChain))));
  }
  if (usesFirewallChain) {
    ownRules.push(
      ...firewallRules(port, names, loadBalancerComment, context).map((one) => append(names.firewall, one)),
    );
  }

  const endpointChains = endpointChainsOf(port, chosen.reachable, context);
  if (usesClusterChain) {
    ownChains.push(chainLine(names.cluster));
    pushBalancing(ownRules, names.cluster, port, chosen.cluster, endpointChains);
  }
  if (usesLocalChain) {
    ownChains.push(chainLine(names.local));
    pushBalancing(ownRules, names.local, port, chosen.local, endpointChains);
  }
  pushEndpoints(ownChains, ownRules, port, chosen.reachable, endpointChains, context);
  return { filter, nat, ownChains, ownRules };
}

/** KUBE-EXT: who is masqueraded, and who may use the endpoints of the whole cluster although the policy is Local. */
function externalRules(port: ServicePort, names: ServiceChainNames, context: RuleContext): Rule[] {
  const { owner } = port;
  if (!port.externalPolicyLocal) {
    // The endpoint may be on another node, whose answer has to come back through this one.
    const why = comment(`masquerade traffic for ${port.text} external destinations`);
    return [{ matches: [why], target: markMasquerade, owner }];
  }
  const toCluster = jump(names.cluster);
  const fromNode = localType("src");
  const rules: Rule[] = [
    {
      matches: [comment(`masquerade LOCAL traffic for ${port.text} external destinations`), fromNode],
      target: markMasquerade,
      owner,
    },
    {
      matches: [comment(`route LOCAL traffic for ${port.text} external destinations`), fromNode],
      target: toCluster,
      owner,
    },
  ];
  if (context.detector === undefined) return rules;
  const why = comment(`pod traffic for ${port.text} external destinations`);
  return [{ matches: [why, context.detector.local], target: toCluster, owner }, ...rules];
}

/** KUBE-FW: lets the source ranges through; the rest falls through to KUBE-PROXY-FIREWALL in filter. */
function firewallRules(
  port: ServicePort,
  names: ServiceChainNames,
  loadBalancerComment: Match,
  { nodeIP }: RuleContext,
): Rule[] {
  const { owner } = port;
  const target = jump(names.external);
  const from = (text: string): Rule => ({ matches: [loadBalancerComment, addressTerm("source", text)], target, owner });
  const rules = port.sourceRanges.map(from);
  const allowsNode = port.sourceRanges.some((text) => {
    const block = parseCidrSloppy(text);
    return block !== undefined && nodeIP !== undefined && contains(block, nodeIP);
  });
  // Some load balancers hand packets on with their own address as the source.
  if (allowsNode) rules.push(...port.loadBalancerIPs.map(from));
  const rest = comment(`other traffic to ${port.text} will be dropped by KUBE-PROXY-FIREWALL`);
  return [...rules, { matches: [rest], owner }];
}

interface EndpointChain {
  readonly name: string;
  readonly target: Target;
  /** Of the rules that lead to it. */
  readonly comments: readonly Match[];
}

function endpointChainsOf(
  port: ServicePort,
  endpoints: readonly Endpoint[],
  { largeCluster }: RuleContext,
): ReadonlyMap<Endpoint, EndpointChain> {
  const chains = new Map<Endpoint, EndpointChain>();
  for (const endpoint of endpoints) {
    const name = endpointChainName(port, endpoint.text);
    const comments = largeCluster ? none : [comment(`${port.text} -> ${endpoint.text}`)];
    chains.set(endpoint, { name, target: jump(name), comments });
  }
  return chains;
}

const none: readonly Match[] = [];

/** KUBE-SVC and KUBE-SVL: back to the endpoint of last time, or one of n with equal chances. writeServiceToEndpointRules. */
function pushBalancing(
  rules: Command[],
  chain: string,
  port: ServicePort,
  endpoints: readonly Endpoint[],
  chains: ReadonlyMap<Endpoint, EndpointChain>,
): void {
  const { owner } = port;
  if (port.affinitySeconds !== undefined) {
    for (const endpoint of endpoints) {
      const { name, target, comments } = chains.get(endpoint) as EndpointChain;
      const seen: Match = {
        kind: "recent",
        action: "rcheck",
        name,
        side: "source",
        inverted: false,
        seconds: port.affinitySeconds,
        reap: true,
      };
      rules.push(append(chain, { matches: [...comments, seen], target, owner }));
    }
  }
  for (const [index, endpoint] of endpoints.entries()) {
    const { target, comments } = chains.get(endpoint) as EndpointChain;
    const left = endpoints.length - index;
    const matches = left === 1 ? comments : [...comments, oneIn(left)];
    rules.push(append(chain, { matches, target, owner }));
  }
}

const chances: Match[] = [];

/** `--probability 1/n`, with the ten digits that kube-proxy gives. */
function oneIn(n: number): Match {
  return (chances[n] ??= {
    kind: "statistic",
    mode: "random",
    probability: Number((1 / n).toFixed(10)),
    inverted: false,
  });
}

/** KUBE-SEP: marks a pod that reached itself (hairpin), remembers the client, translates. */
function pushEndpoints(
  ownChains: Command[],
  rules: Command[],
  port: ServicePort,
  endpoints: readonly Endpoint[],
  chains: ReadonlyMap<Endpoint, EndpointChain>,
  { largeCluster }: RuleContext,
): void {
  const comments = largeCluster ? none : [comment(port.text)];
  const translating = [...comments, ...protocolTerms(port.protocol)];
  for (const endpoint of endpoints) {
    const { owner } = endpoint;
    const { name } = chains.get(endpoint) as EndpointChain;
    const value = address(endpoint.address);
    ownChains.push(chainLine(name));
    const itself = [...comments, hostTerm("source", endpoint.address, value)];
    rules.push(append(name, { matches: itself, target: markMasquerade, owner }));
    const remember: Match = { kind: "recent", action: "set", name, side: "source", inverted: false };
    const matches =
      port.affinitySeconds === undefined ? translating : [...comments, remember, ...protocolTerms(port.protocol)];
    rules.push(append(name, { matches, target: dnat(endpoint.address, value, endpoint.port), owner }));
  }
}
