import type { HookState } from "../kernel/netfilter.ts";
import type { Address } from "../wire/address.ts";
import { protocolNumber } from "../wire/packet.ts";
import type { Match } from "./matches/index.ts";
import type { Rule } from "./rule.ts";

type Key = Address | number | string;

/** Matches that change state, take chances or leave steps: what stands behind them must not be looked at before. */
const ordered: ReadonlySet<Match["kind"]> = new Set(["statistic", "recent", "limit", "hashlimit", "set", "nfacct"]);

const noRules: readonly number[] = [];

/**
 * Which rules of a chain a packet can match at all. Each rule is filed under one exact term: destination address,
 * destination port, or device; rules without one are always looked at. A walk over the candidates ends as a walk
 * over all rules does: what is left out fails in a term without side effects (test/iptables/candidates.test.ts).
 */
export class CandidateIndex {
  readonly #byDestination = new Map<Address, number[]>();
  readonly #byPort = new Map<number, number[]>();
  readonly #byIn = new Map<string, number[]>();
  readonly #byOut = new Map<string, number[]>();
  readonly #rest: number[] = [];

  /** Null where most rules must be looked at anyway: asking for the next one costs more than a rule that fails. */
  static over(rules: readonly Rule[]): CandidateIndex | null {
    const keys = rules.map(keyOf);
    const rest = keys.filter((key) => key === undefined).length;
    return rest * 2 <= rules.length ? new CandidateIndex(keys) : null;
  }

  private constructor(keys: readonly (RuleKey | undefined)[]) {
    for (const [index, key] of keys.entries()) this.#file(key, index);
  }

  /** The first candidate at or behind a position (from 0), or `length` when there is none. */
  next(state: HookState, from: number, length: number): number {
    const { packet } = state.skb;
    let best = first(this.#rest, from, length);
    if (this.#byDestination.size > 0) best = first(this.#byDestination.get(packet.dst) ?? noRules, from, best);
    if (this.#byPort.size > 0) {
      const { transport } = packet;
      if (transport.protocol === "tcp" || transport.protocol === "udp" || transport.protocol === "sctp") {
        best = first(this.#byPort.get(portKey(protocolNumber(transport), transport.dstPort)) ?? noRules, from, best);
      }
    }
    if (this.#byIn.size > 0) best = first(this.#byIn.get(state.inDevice?.name ?? "") ?? noRules, from, best);
    if (this.#byOut.size > 0) best = first(this.#byOut.get(state.outDevice?.name ?? "") ?? noRules, from, best);
    return best;
  }

  #file(key: RuleKey | undefined, index: number): void {
    switch (key?.by) {
      case "destination":
        return push(this.#byDestination, key.address, index);
      case "port":
        return push(this.#byPort, key.port, index);
      case "in":
        return push(this.#byIn, key.name, index);
      case "out":
        return push(this.#byOut, key.name, index);
      case undefined:
        this.#rest.push(index);
    }
  }
}

/** The exact term a rule is filed under. */
type RuleKey =
  | { readonly by: "destination"; readonly address: Address }
  | { readonly by: "port"; readonly port: number }
  | { readonly by: "in" | "out"; readonly name: string };

function keyOf(rule: Rule): RuleKey | undefined {
  let inName: string | undefined;
  let outName: string | undefined;
  let port: number | undefined;
  let isOrdered = false;
  for (const match of rule.matches) {
    switch (match.kind) {
      case "destination":
        if (match.inverted || match.prefixLength !== (typeof match.base === "number" ? 32 : 128)) break;
        return { by: "destination", address: match.base };
      case "in-interface":
        if (!match.inverted && !match.name.endsWith("+")) inName = match.name;
        break;
      case "out-interface":
        if (!match.inverted && !match.name.endsWith("+")) outName = match.name;
        break;
      case "tcp":
      case "udp":
      case "sctp": {
        const ports = match.dstPorts;
        if (ports === undefined || ports.inverted || ports.from !== ports.to || isOrdered) break;
        port = portKey({ tcp: 6, udp: 17, sctp: 132 }[match.kind], ports.from);
        break;
      }
      default:
        isOrdered ||= ordered.has(match.kind);
    }
  }
  if (port !== undefined) return { by: "port", port };
  if (outName !== undefined) return { by: "out", name: outName };
  return inName === undefined ? undefined : { by: "in", name: inName };
}

function portKey(protocol: number, port: number): number {
  return protocol * 65_536 + port;
}

function push<K extends Key>(map: Map<K, number[]>, key: K, index: number): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [index]);
  else list.push(index);
}

/** The first number of a sorted list that is at least `from` and below `best`, else `best`. */
function first(list: readonly number[], from: number, best: number): number {
  if (list.length === 0) return best;
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((list[middle] as number) < from) low = middle + 1;
    else high = middle;
  }
  const found = list[low];
  return found !== undefined && found < best ? found : best;
}
