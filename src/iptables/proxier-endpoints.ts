import type { Endpoint } from "../proxy/endpoints.ts";
import type { ServicePort } from "../proxy/service-port.ts";
import { address as knownAddress } from "../wire/address.ts";
import type { Match } from "./matches/index.ts";
import { owned } from "./proxier-owned-rule.ts";
import { endpointChainNames } from "./proxier-names.ts";
import { comment, dnat, hostTerm, jump, markMasquerade, protocolTerms } from "./proxier-terms.ts";
import type { Chain, Rule } from "./rule.ts";

const none: readonly Match[] = [];

/** What the chains of one service port's endpoints have in common. */
interface EndpointTerms {
  readonly port: ServicePort;
  /** None in large-cluster mode. */
  readonly comments: readonly Match[];
  readonly protocol: readonly Match[];
  readonly translating: readonly Match[];
}

/**
 * KUBE-SEP: marks a pod that reached itself (hairpin), remembers the client, translates. Its rules are made anew for
 * everybody who looks at them: there are such chains by the hundred thousand, and few are looked at twice.
 */
class EndpointChain implements Chain {
  readonly name: string;
  readonly #endpoint: Endpoint;
  readonly #terms: EndpointTerms;

  constructor(name: string, endpoint: Endpoint, terms: EndpointTerms) {
    this.name = name;
    this.#endpoint = endpoint;
    this.#terms = terms;
  }

  get rules(): readonly Rule[] {
    const endpoint = this.#endpoint;
    const { port, comments, protocol, translating } = this.#terms;
    const { address } = endpoint;
    const value = knownAddress(address);
    const source = hostTerm("source", address, value);
    const itself = comments === none ? [source] : [...comments, source];
    const matches =
      port.affinitySeconds === undefined ? translating : [...comments, remembered(this.name), ...protocol];
    return [owned(itself, markMasquerade, endpoint), owned(matches, dnat(address, value, endpoint.port), endpoint)];
  }

  /** The comment of the rules that lead here. */
  get comments(): readonly Match[] {
    const { port, comments } = this.#terms;
    return comments === none ? none : [comment(`${port.text} -> ${this.#endpoint.text}`)];
  }
}

/** The chains of some endpoints, in their order. */
export function endpointChains(
  port: ServicePort,
  endpoints: readonly Endpoint[],
  largeCluster: boolean,
): readonly EndpointChain[] {
  const comments = largeCluster ? none : [comment(port.text)];
  const protocol = protocolTerms(port.protocol);
  const terms = { port, comments, protocol, translating: [...comments, ...protocol] };
  return endpointChainNames(port, endpoints).map(
    (name, index) => new EndpointChain(name, endpoints[index] as Endpoint, terms),
  );
}

/** The chains of some of the reachable endpoints. */
export function chainsOf(
  endpoints: readonly Endpoint[],
  reachable: readonly Endpoint[],
  chains: readonly EndpointChain[],
): readonly EndpointChain[] {
  if (endpoints === reachable) return chains;
  const byEndpoint = new Map(reachable.map((endpoint, index) => [endpoint, chains[index] as EndpointChain]));
  return endpoints.map((endpoint) => byEndpoint.get(endpoint) as EndpointChain);
}

/**
 * KUBE-SVC and KUBE-SVL: what to do with outsiders, then back to the endpoint of last time, or one of n with equal
 * chances. Made anew for everybody who looks, as the chains of the endpoints. writeServiceToEndpointRules.
 */
export class BalancingChain implements Chain {
  readonly name: string;
  readonly #port: ServicePort;
  readonly #first: readonly Rule[];
  readonly #endpoints: readonly EndpointChain[];

  constructor(name: string, port: ServicePort, first: readonly Rule[], endpoints: readonly EndpointChain[]) {
    this.name = name;
    this.#port = port;
    this.#first = first;
    this.#endpoints = endpoints;
  }

  get rules(): readonly Rule[] {
    const port = this.#port;
    const rules: Rule[] = [...this.#first];
    const { affinitySeconds } = port;
    if (affinitySeconds !== undefined) {
      for (const { name, comments } of this.#endpoints) {
        const seen: Match = {
          kind: "recent",
          action: "rcheck",
          name,
          side: "source",
          inverted: false,
          seconds: affinitySeconds,
          reap: true,
        };
        rules.push(owned([...comments, seen], jump(name), port));
      }
    }
    let left = this.#endpoints.length;
    for (const { name, comments } of this.#endpoints) {
      const chance = oneIn(left--);
      rules.push(owned(comments === none ? chance : [...comments, ...chance], jump(name), port));
    }
    return rules;
  }
}

const chances: (readonly Match[])[] = [none, none];

/** `--probability 1/n`, with the ten digits that kube-proxy gives; nothing for n = 1. */
function oneIn(n: number): readonly Match[] {
  return (chances[n] ??= [
    { kind: "statistic", mode: "random", probability: Number((1 / n).toFixed(10)), inverted: false },
  ]);
}

function remembered(name: string): Match {
  return { kind: "recent", action: "set", name, side: "source", inverted: false };
}
