import { CandidateIndex } from "./candidates.ts";
import { type Match, isHeaderMatch, moduleOf } from "./matches/index.ts";
import type { MatchModule } from "./matches/module.ts";
import type { Chain, Counters, Rule } from "./rule.ts";
import { type ModuleTarget, isChainTarget, targetModule } from "./targets/index.ts";
import type { TargetModule } from "./targets/module.ts";

/** A rule made ready for comparison: IP header terms first, comments left out. */
export interface ReadyRule {
  readonly rule: Rule;
  readonly terms: readonly Term[];
  /** Where a target decides; jumps and gotos are the walk's own. */
  readonly targetModule: TargetModule<ModuleTarget> | undefined;
  /** The chain of a jump, once it was looked up. */
  next: LiveChain | undefined;
  /** What its target remembers. */
  targetMemory: unknown;
  packets: number;
  bytes: number;
}

/** A term with its comparison, and what that remembers. */
export interface Term {
  readonly match: Match;
  readonly module: MatchModule<Match>;
  memory: unknown;
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
  #policyPackets = 0;
  #policyBytes = 0;
  /** Null: none is worth having. */
  #index: CandidateIndex | null | undefined;

  constructor(chain: Chain) {
    this.name = chain.name;
    this.chain = chain;
    this.#beginPolicy();
  }

  /** Other rules; counters and memory begin anew. */
  replace(chain: Chain): void {
    this.chain = chain;
    this.#ready = [];
    this.#index = undefined;
    this.#beginPolicy();
  }

  get length(): number {
    return this.chain.rules.length;
  }

  /** Finds the rules that a packet can match without looking at the others; null where that is no gain. */
  get index(): CandidateIndex | null {
    if (this.#index === undefined) {
      this.#index = this.length < indexFrom ? null : CandidateIndex.over(this.chain.rules);
    }
    return this.#index;
  }

  /** The rule at a position from 0. */
  ready(at: number): ReadyRule {
    return (this.#ready[at] ??= makeReady(this.chain.rules[at] as Rule, this.chain.counters?.[at]));
  }

  /** Counts a packet for the policy. */
  countPolicy(bytes: number): void {
    this.#policyPackets++;
    this.#policyBytes += bytes;
  }

  /** The chain with its counters as they are now. */
  snapshot(): Chain {
    const { chain } = this;
    if (this.#ready.length === 0 && this.#policyPackets === (chain.policyCounters?.packets ?? 0)) return chain;
    return {
      ...chain,
      counters: chain.rules.map((_, at) => countersOf(this.#ready[at] ?? chain.counters?.[at])),
      ...(chain.policy !== undefined && {
        policyCounters: { packets: this.#policyPackets, bytes: this.#policyBytes },
      }),
    };
  }

  #beginPolicy(): void {
    const { packets, bytes } = countersOf(this.chain.policyCounters);
    this.#policyPackets = packets;
    this.#policyBytes = bytes;
  }
}

function countersOf(from: Counters | undefined): Counters {
  return { packets: from?.packets ?? 0, bytes: from?.bytes ?? 0 };
}

function makeReady(rule: Rule, counters: Counters | undefined): ReadyRule {
  const header = rule.matches.filter(isHeaderMatch);
  const others = rule.matches.filter((match) => !isHeaderMatch(match) && match.kind !== "comment");
  const terms = [...header, ...others].map((match) => ({ match, module: moduleOf(match.kind), memory: undefined }));
  const { target } = rule;
  return {
    rule,
    terms,
    targetModule: target === undefined || isChainTarget(target) ? undefined : targetModule(target.kind),
    next: undefined,
    targetMemory: undefined,
    ...countersOf(counters),
  };
}

/** True when the rule needs connection tracking. */
export function needsConntrack({ matches, target }: Rule): boolean {
  if (target !== undefined && !isChainTarget(target) && targetModule(target.kind).needsConntrack === true) return true;
  return matches.some(({ kind }) => moduleOf(kind).needsConntrack === true);
}
