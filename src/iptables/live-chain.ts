import type { HookState } from "../kernel/netfilter.ts";
import { CandidateIndex, type Candidates } from "./candidates.ts";
import { writeEvenSplit } from "./even-split.ts";
import { type Match, isHeaderMatch, moduleOf } from "./matches/index.ts";
import type { MatchModule } from "./matches/module.ts";
import type { Chain, Counters, Rule } from "./rule.ts";
import type { RuleMemory } from "./rule-memory.ts";
import { bytesCounter, lengthWord, looksAtAllWord, packetsCounter, rowWords, writeRule } from "./rule-rows.ts";
import { type ModuleTarget, isChainTarget, targetModule } from "./targets/index.ts";
import type { TargetModule } from "./targets/module.ts";

/** A rule made ready for its modules: IP header terms first, comments left out. */
export interface ReadyRule {
  readonly rule: Rule;
  readonly terms: readonly Term[];
  /** Where a target decides; jumps and gotos are the walk's own. */
  readonly targetModule: TargetModule<ModuleTarget> | undefined;
  /** What its target remembers. */
  targetMemory: unknown;
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
 * A chain in the kernel: its rules as they were loaded, and where its rows are (rule-rows.ts), which hold the
 * counters. The object stays the same when the rules are replaced.
 */
export class LiveChain {
  readonly name: string;
  /** Among the chains of its table: what jumps know it by. */
  readonly number: number;
  chain: Chain;
  readonly #memory: RuleMemory;
  /** The chain's, once somebody looked at more than their rows: some chains make theirs anew for everybody. */
  #rules: readonly Rule[] | undefined;
  #ready: (ReadyRule | undefined)[] | undefined;
  /** Null: none is worth having, or no packet was here. */
  #index: CandidateIndex | null = null;
  /** With an index: by position, where the rows of the chain began that the rule jumped to last; 0: it never did. */
  #targets: Int32Array | undefined;

  constructor(chain: Chain, number: number, memory: RuleMemory) {
    this.name = chain.name;
    this.chain = chain;
    this.number = number;
    this.#memory = memory;
  }

  /** Other rules; counters and memory begin anew. */
  replace(chain: Chain): void {
    this.chain = chain;
    this.#rules = undefined;
    this.#ready = undefined;
    this.#index = null;
    this.#memory.forget(this.number);
  }

  delete(): void {
    this.#memory.remove(this.number);
  }

  get rules(): readonly Rule[] {
    return (this.#rules ??= this.chain.rules);
  }

  /** The same for one look: they are not kept. */
  peek(): readonly Rule[] {
    return this.#rules ?? this.chain.rules;
  }

  /** The rules that a packet can match at all; undefined: all must be looked at. */
  candidates(state: HookState): Candidates | undefined {
    return this.#index?.of(state);
  }

  /** Where the rows begin that the rule at a position led to the last time; 0: not known. */
  targetOf(at: number): number {
    return this.#targets?.[at] ?? 0;
  }

  noteTarget(at: number, row: number): void {
    if (this.#targets !== undefined) this.#targets[at] = row;
  }

  /** The rule at a position from 0. */
  ready(at: number): ReadyRule {
    return ((this.#ready ??= [])[at] ??= makeReady(this.rules[at] as Rule));
  }

  /**
   * Begins the rows of the chain: its own, those of its rules, and the counters that the text stated. Where most
   * rules are passed over, they are written when they are met.
   */
  begin(row: number, rules: readonly Rule[]): void {
    const { chain } = this;
    const { words } = this.#memory;
    words[row + lengthWord] = rules.length;
    this.#index = rules.length < indexFrom ? null : CandidateIndex.over(rules);
    words[row + looksAtAllWord] = this.#index === null ? 1 : 0;
    this.#setCounters(row, chain.policyCounters);
    for (const [at, counters] of chain.counters?.entries() ?? []) {
      this.#setCounters(row + (at + 1) * rowWords, counters);
    }
    if (this.#index !== null) {
      this.#rules = rules;
      this.#targets = new Int32Array(rules.length);
      return;
    }
    for (let at = 0; at < rules.length; at++) this.#write(row, at, rules[at] as Rule);
    writeEvenSplit(words, row, rules.length, this.#memory.drawStart(this.name));
  }

  /** Writes the row of a rule that was not met before. */
  write(at: number): void {
    this.#write(this.#memory.rowsOf(this.number), at, this.rules[at] as Rule);
  }

  #write(row: number, at: number, rule: Rule): void {
    const { words, drawStart, chains } = this.#memory;
    writeRule(words, row + (at + 1) * rowWords, rule, {
      drawStart: () => drawStart(this.name, at + 1),
      numberOf: (name) => chains.get(name)?.number ?? 0,
    });
  }

  /** The chain with its counters as they are now. */
  snapshot(): Chain {
    const { chain } = this;
    const row = this.#memory.rowsOf(this.number);
    if (row === 0) return chain;
    const { rules } = this;
    return {
      name: chain.name,
      rules,
      counters: rules.map((_, at) => this.#counters(row + (at + 1) * rowWords)),
      ...(chain.policy !== undefined && { policy: chain.policy, policyCounters: this.#counters(row) }),
    };
  }

  #counters(row: number): Counters {
    const { counters } = this.#memory;
    return {
      packets: counters[row / 2 + packetsCounter] as number,
      bytes: counters[row / 2 + bytesCounter] as number,
    };
  }

  #setCounters(row: number, from: Counters | undefined): void {
    const { counters } = this.#memory;
    counters[row / 2 + packetsCounter] = from?.packets ?? 0;
    counters[row / 2 + bytesCounter] = from?.bytes ?? 0;
  }
}

function makeReady(rule: Rule): ReadyRule {
  const header = rule.matches.filter(isHeaderMatch);
  const others = rule.matches.filter((match) => !isHeaderMatch(match) && match.kind !== "comment");
  const terms = [...header, ...others].map((match) => ({ match, module: moduleOf(match.kind), memory: undefined }));
  const { target } = rule;
  return {
    rule,
    terms,
    targetModule: target === undefined || isChainTarget(target) ? undefined : targetModule(target.kind),
    targetMemory: undefined,
  };
}

/** True when the rule needs connection tracking. */
export function needsConntrack({ matches, target }: Rule): boolean {
  if (target !== undefined && !isChainTarget(target) && needs(targetModule(target.kind).needsConntrack, target)) {
    return true;
  }
  return matches.some((match) => needs(moduleOf(match.kind).needsConntrack, match));
}

function needs<T>(stated: true | ((one: T) => boolean) | undefined, one: T): boolean {
  return typeof stated === "function" ? stated(one) : stated === true;
}
