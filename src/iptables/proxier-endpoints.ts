import type { Endpoint } from "../proxy/endpoints.ts";
import type { ServicePort } from "../proxy/service-port.ts";
import { address as knownAddress } from "../wire/address.ts";
import type { Match } from "./matches/index.ts";
import { owned } from "./proxier-owned-rule.ts";
import { endpointChainNames } from "./proxier-names.ts";
import { comment, dnat, hostTerm, jump, markMasquerade, protocolTerms } from "./proxier-terms.ts";
import type { Chain, Rule } from "./rule.ts";
import type { Target } from "./targets/index.ts";

/** How the rules of a service port lead to one endpoint. */
interface WayTo {
  readonly chain: string;
  readonly target: Target;
  /** None in large-cluster mode. */
  readonly comments: readonly Match[];
}

const none: readonly Match[] = [];

export function waysTo(port: ServicePort, endpoints: readonly Endpoint[], largeCluster: boolean): readonly WayTo[] {
  return endpointChainNames(port, endpoints).map((chain, index) => {
    const comments = largeCluster ? none : [comment(`${port.text} -> ${endpoints[index]?.text ?? ""}`)];
    return { chain, target: jump(chain), comments };
  });
}

/** The ways to some of the reachable endpoints. */
export function waysOf(
  endpoints: readonly Endpoint[],
  reachable: readonly Endpoint[],
  ways: readonly WayTo[],
): readonly WayTo[] {
  if (endpoints === reachable) return ways;
  const byEndpoint = new Map(reachable.map((endpoint, index) => [endpoint, ways[index] as WayTo]));
  return endpoints.map((endpoint) => byEndpoint.get(endpoint) as WayTo);
}

/** KUBE-SVC and KUBE-SVL: back to the endpoint of last time, or one of n with equal chances. writeServiceToEndpointRules. */
export function pushBalancing(rules: Rule[], port: ServicePort, ways: readonly WayTo[]): void {
  const { affinitySeconds } = port;
  if (affinitySeconds !== undefined) {
    for (const { chain, target, comments } of ways) {
      const seen: Match = {
        kind: "recent",
        action: "rcheck",
        name: chain,
        side: "source",
        inverted: false,
        seconds: affinitySeconds,
        reap: true,
      };
      rules.push(owned([...comments, seen], target, port));
    }
  }
  let left = ways.length;
  for (const { target, comments } of ways) {
    const chance = oneIn(left--);
    rules.push(owned(comments === none ? chance : [...comments, ...chance], target, port));
  }
}

const chances: (readonly Match[])[] = [none, none];

/** `--probability 1/n`, with the ten digits that kube-proxy gives; nothing for n = 1. */
function oneIn(n: number): readonly Match[] {
  return (chances[n] ??= [
    { kind: "statistic", mode: "random", probability: Number((1 / n).toFixed(10)), inverted: false },
  ]);
}

/** KUBE-SEP: marks a pod that reached itself (hairpin), remembers the client, translates. */
export function pushEndpointChains(
  chains: Chain[],
  port: ServicePort,
  endpoints: readonly Endpoint[],
  ways: readonly WayTo[],
  largeCluster: boolean,
): void {
  const comments = largeCluster ? none : [comment(port.text)];
  const protocol = protocolTerms(port.protocol);
  const translating = [...comments, ...protocol];
  for (let index = 0; index < endpoints.length; index++) {
    const endpoint = endpoints[index] as Endpoint;
    const { address } = endpoint;
    const { chain: name } = ways[index] as WayTo;
    const value = knownAddress(address);
    const source = hostTerm("source", address, value);
    const itself = comments === none ? [source] : [...comments, source];
    const matches = port.affinitySeconds === undefined ? translating : [...comments, remembered(name), ...protocol];
    const rules = [
      owned(itself, markMasquerade, endpoint),
      owned(matches, dnat(address, value, endpoint.port), endpoint),
    ];
    chains.push({ name, rules });
  }
}

function remembered(name: string): Match {
  return { kind: "recent", action: "set", name, side: "source", inverted: false };
}
