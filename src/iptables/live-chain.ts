import { CandidateIndex } from "./candidates.ts";
import { type Match, isHeaderMatch, moduleOf } from "./matches/index.ts";
import type { MatchModule } from "./matches/module.ts";
import type { Chain, Counters, Rule } from "./rule.ts";
import { type ModuleTarget, isChainTarget, targetModule } from "./targets/index.ts";
import type { TargetModule } from "./targets/module.ts";

/** A rule made ready for comparison: IP header terms first, comments left out. */
export interface ReadyRule {
  readonly rule: Rule;
  readonly terms: readonly Match[];
  readonly modules: readonly MatchModule<Match>[];
  /** Where a target decides; jumps and gotos are the walk's own. */
  readonly targetModule: TargetModule<ModuleTarget> | undefined;
  /** The chain of a jump, once it was looked up. */
  next: LiveChain | undefined;
}

/** Chains shorter than this are walked rule by rule. */
const indexFrom = 8;

/**
 * A chain in the kernel: its rules with what moves (counters, the memory of matches) beside them. The object stays
 * the same when the rules are replaced, so that jumps can hold it.
 */
export class LiveChain {
  readonly name: string;
  chain: Chain;
  isDeleted = false;
  #ready: (ReadyRule | undefined)[] = [];
  #counts: number[] | undefined;
  #slots: Map<number, Map<object, unknown>> | undefined;
  #index: CandidateIndex | undefined;

  constructor(chain: Chain) {
    this.name = chain.name;
    this.chain = chain;
  }

  /** Other rules; counters and memory begin anew. */
  replace(chain: Chain): void {
    this.chain = chain;
    this.#ready = [];
    this.#counts = undefined;
    this.#slots = undefined;
    this.#index = undefined;
  }

  get length(): number {
    return this.chain.rules.length;
  }

  /** Finds the rules that a packet can match without looking at the others; undefined for short chains. */
  get index(): CandidateIndex | undefined {
    if (this.length < indexFrom) return undefined;
    this.#index ??= new CandidateIndex(this.chain.rules);
    return this.#index.isUseful ? this.#index : undefined;
  }

  /** The rule at a position from 0. */
  ready(at: number): ReadyRule {
    return (this.#ready[at] ??= makeReady(this.chain.rules[at] as Rule));
  }

  /** Counts a packet for the rule at a position, or for the policy at `length`. */
  count(at: number, bytes: number): void {
    const counts = (this.#counts ??= this.#initialCounts());
    counts[2 * at] = (counts[2 * at] ?? 0) + 1;
    counts[2 * at + 1] = (counts[2 * at + 1] ?? 0) + bytes;
  }

  /** What stands before the flow in the choice ids of a rule: `namespace/table/CHAIN/NUMBER/`. */
  choicePlace(namespace: string, table: string, number: number): string {
    const slot = this.slot(number);
    let place = slot.get(this) as string | undefined;
    if (place === undefined) slot.set(this, (place = `${namespace}/${table}/${this.name}/${number}/`));
    return place;
  }

  /** What the matches of a rule remember. Rules count from 1. */
  slot(number: number): Map<object, unknown> {
    this.#slots ??= new Map();
    let slot = this.#slots.get(number);
    if (slot === undefined) this.#slots.set(number, (slot = new Map()));
    return slot;
  }

  /** The chain with its counters as they are now. */
  snapshot(): Chain {
    const counts = this.#counts;
    if (counts === undefined) return this.chain;
    const at = (index: number): Counters => ({ packets: counts[2 * index] ?? 0, bytes: counts[2 * index + 1] ?? 0 });
    return {
      ...this.chain,
      counters: this.chain.rules.map((_, index) => at(index)),
      ...(this.chain.policy !== undefined && { policyCounters: at(this.length) }),
    };
  }

  #initialCounts(): number[] {
    const counts = Array.from({ length: 2 * (this.length + 1) }, () => 0);
    const given = [...(this.chain.counters ?? [])];
    given[this.length] = this.chain.policyCounters;
    for (const [index, counters] of given.entries()) {
      if (counters === undefined) continue;
      counts[2 * index] = counters.packets;
      counts[2 * index + 1] = counters.bytes;
    }
    return counts;
  }
}

function makeReady(rule: Rule): ReadyRule {
  const header = rule.matches.filter(isHeaderMatch);
  const others = rule.matches.filter((match) => !isHeaderMatch(match) && match.kind !== "comment");
  const terms = [...header, ...others];
  const { target } = rule;
  return {
    rule,
    terms,
    modules: terms.map(({ kind }) => moduleOf(kind)),
    targetModule: target === undefined || isChainTarget(target) ? undefined : targetModule(target.kind),
    next: undefined,
  };
}

/** True when the rule needs connection tracking. */
export function needsConntrack({ matches, target }: Rule): boolean {
  if (target !== undefined && !isChainTarget(target) && targetModule(target.kind).needsConntrack === true) return true;
  return matches.some(({ kind }) => moduleOf(kind).needsConntrack === true);
}
