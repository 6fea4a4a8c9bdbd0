import type { HookState, HookVerdict } from "../kernel/netfilter.ts";
import type { Skb } from "../kernel/skb.ts";
import type { HookName } from "../trace/records.ts";
import { type IPv4, ipv4 } from "../wire/address.ts";
import { packetBytes } from "../wire/packet.ts";
import { ChainTrail } from "./chain-trail.ts";
import type { Evaluation } from "./evaluation.ts";
import { drawSplit, splitCount, splitPosition, splitTarget } from "./even-split.ts";
import { type LiveChain, type ReadyRule, type Term } from "./live-chain.ts";
import type { LiveChains } from "./live-chains.ts";
import { sendRejection } from "./reject.ts";
import type { RuleMemory } from "./rule-memory.ts";
import {
  PacketWords,
  actionOf,
  actions,
  argumentWord,
  bytesCounter,
  compare,
  isUnwritten,
  lengthWord,
  looksAtAllWord,
  packetsCounter,
  rowWords,
} from "./rule-rows.ts";
import type { Rule, TableName } from "./rule.ts";
import { type ModuleTarget, isChainTarget } from "./targets/index.ts";
import { xmark } from "./targets/mark.ts";
import type { RejectTarget } from "./targets/reject.ts";

/** Jumps deep enough that they can only be a circle; the kernel refuses circles when rules are loaded. */
const maxDepth = 256;

/** How a chain ended. `end`: its last rule was passed, or a RETURN said so. */
type ChainVerdict = "end" | "accept" | "drop" | "unknown" | RejectTarget;

/** What the terms of a rule said together, where it is not the position of the one that failed. */
const allMatch = -1;
const unknownTerm = -2;

/**
 * Takes packets through the chains of one table (ipt_do_table, net/ipv4/netfilter/ip_tables.c). Rules are compared
 * as rows (rule-rows.ts), by their match modules where a row cannot hold them, or where the reason of a miss is
 * wanted. Steps are recorded by ChainTrail.
 */
export class TableWalk {
  readonly #table: TableName;
  readonly #chains: Pick<LiveChains, "get">;
  readonly #memory: RuleMemory;
  readonly #evaluation: Evaluation;
  readonly #packet = new PacketWords();
  /** Length of the packet at hand. */
  #bytes = 0;
  /** Of the DNAT at hand; one object serves them all. */
  readonly #range: { address: IPv4; port: number; readonly randomPort: "no"; readonly persistent: false } = {
    address: ipv4(0),
    port: 0,
    randomPort: "no",
    persistent: false,
  };

  constructor(table: TableName, chains: Pick<LiveChains, "get">, memory: RuleMemory, evaluation: Evaluation) {
    this.#table = table;
    this.#chains = chains;
    this.#memory = memory;
    this.#evaluation = evaluation;
  }

  /** The hook function of a built-in chain. */
  at(hook: HookName): (state: HookState) => HookVerdict {
    let base: LiveChain | undefined;
    return (state) => {
      if (base === undefined || this.#memory.isGone(base.number)) base = this.#chains.get(hook);
      return base === undefined ? "accept" : this.#run(state, base);
    };
  }

  #run(state: HookState, base: LiveChain): HookVerdict {
    const { skb } = state;
    this.#evaluation.state = state;
    this.#evaluation.table = this.#table;
    this.#look(skb);
    const verdict = this.#walk(base.number, this.#memory.enter(base.number), 0);
    if (verdict === "end") return this.#policy(base, state);
    if (typeof verdict !== "string") {
      sendRejection(state, verdict);
      return "drop";
    }
    return verdict;
  }

  #look(skb: Skb): void {
    this.#packet.set(skb);
    this.#bytes = packetBytes(skb.packet);
  }

  #policy(base: LiveChain, { skb: { track } }: HookState): HookVerdict {
    const verdict = base.chain.policy ?? "ACCEPT";
    this.#count(this.#memory.enter(base.number));
    if (track !== undefined) new ChainTrail(track, this.#evaluation, base).policy(verdict);
    return verdict === "ACCEPT" ? "accept" : "drop";
  }

  /** Through the chain of this number, whose rows begin there. */
  #walk(number: number, own: number, depth: number): ChainVerdict {
    const memory = this.#memory;
    const evaluation = this.#evaluation;
    const { state } = evaluation;
    const { track } = state.skb;
    const length = memory.words[own + lengthWord] as number;
    const trail = track && new ChainTrail(track, evaluation, memory.chain(number));
    const isThorough = track?.wantsMisses === true;
    const looksAtAll = isThorough || memory.words[own + looksAtAllWord] === 1;
    const indexed = looksAtAll ? undefined : memory.chain(number);
    const candidates = indexed?.candidates(state);
    const splitFrom = looksAtAll && track === undefined ? splitPosition(memory.words, own) : -1;
    for (let at = 0; ; at++) {
      if (candidates !== undefined) at = candidates.next();
      // Of an even split, how many rules are passed over until one takes the packet.
      const passed = at === splitFrom ? drawSplit(memory.words, own, this.#packet.drawKey) : -1;
      if (at === splitFrom) at += passed < 0 ? splitCount(memory.words, own) : passed;
      if (at >= length) {
        trail?.ended();
        return "end";
      }
      const row = own + (at + 1) * rowWords;
      if (isUnwritten(memory.words, row)) memory.chain(number).write(at);
      const verdict = isThorough ? "ask" : passed >= 0 ? "match" : compare(memory.words, row, this.#packet);
      if (verdict === "miss") continue;
      let isUnknown = false;
      if (verdict === "ask") {
        const failing = this.#ask(number, at);
        if (failing >= 0) {
          trail?.missed(at, memory.chain(number).ready(at), failing);
          continue;
        }
        isUnknown = failing === unknownTerm;
      }
      const packets = this.#count(row);
      if (trail !== undefined) {
        trail.matched(at, this.#face(number, at), packets, isUnknown);
      }
      if (isUnknown) {
        track?.verdict("unknown");
        return "unknown";
      }
      switch (actionOf(memory.words, row)) {
        case actions.count:
          continue;
        case actions.jump: {
          const near = passed < 0 ? (indexed?.targetOf(at) ?? 0) : splitTarget(memory.words, own, passed);
          const ended = this.#jump(row, number, at, depth, trail, near);
          indexed?.noteTarget(at, memory.words[row + argumentWord + 1] as number);
          if (ended !== "end") return ended;
          continue;
        }
        case actions.goto:
          // Behind a goto the chain is left as if it had ended here.
          return this.#jump(row, number, at, depth, trail, 0);
        case actions.return:
          return "end";
        case actions.accept:
          return "accept";
        case actions.drop:
          trail?.drop("RULE_DROP", this.#rule(number, at).owner);
          return "drop";
        case actions.mark: {
          const { words } = memory;
          const value = words[row + argumentWord] as number;
          state.skb.mark = xmark(state.skb.mark, value, words[row + argumentWord + 1] as number);
          continue;
        }
        case actions.dnat:
          return this.#bind(row, number, at, trail);
        default: {
          const ended = this.#runTarget(number, at, trail);
          if (ended !== undefined) return ended;
        }
      }
    }
  }

  /** Counts the packet at hand for a rule or a policy; the packets so far, this one with them. */
  #count(row: number): number {
    const { counters } = this.#memory;
    const at = row / 2;
    counters[at + bytesCounter] = (counters[at + bytesCounter] as number) + this.#bytes;
    return (counters[at + packetsCounter] = (counters[at + packetsCounter] as number) + 1);
  }

  #rule(number: number, at: number): Rule {
    return this.#memory.chain(number).rules[at] as Rule;
  }

  /**
   * To the chain that a rule names. Its rows may begin at `near`: what is known without the rule's own row can be on its
   * way from memory together with it.
   */
  #jump(
    row: number,
    number: number,
    at: number,
    depth: number,
    trail: ChainTrail | undefined,
    near: number,
  ): ChainVerdict {
    const memory = this.#memory;
    const { words } = memory;
    let next = words[row + argumentWord] as number;
    const nextRows = near > 0 && memory.isAt(next, near) ? near : (words[row + argumentWord + 1] as number);
    if (next !== 0 && memory.isAt(next, nextRows) && depth < maxDepth) {
      const isEmpty = words[nextRows + lengthWord] === 0;
      return isEmpty && trail === undefined ? "end" : this.#walk(next, nextRows, depth + 1);
    }
    if (memory.isGone(next)) {
      const { target } = this.#rule(number, at);
      next = (target && isChainTarget(target) && this.#chains.get(target.chain)?.number) || 0;
      words[row + argumentWord] = next;
    }
    if (next === 0 || depth >= maxDepth) {
      trail?.drop("CHAIN_LOOP", this.#rule(number, at).owner);
      return "drop";
    }
    const entered = memory.enter(next);
    memory.words[row + argumentWord + 1] = entered;
    return this.#walk(next, entered, depth + 1);
  }

  /** DNAT to one address and port, as the target's module does it. */
  #bind(row: number, number: number, at: number, trail: ChainTrail | undefined): ChainVerdict {
    const { words } = this.#memory;
    const { state } = this.#evaluation;
    const range = this.#range;
    range.address = ipv4(words[row + argumentWord] as number);
    range.port = words[row + argumentWord + 1] as number;
    if (state.namespace.conntrack.setupNat(state, "dst", range) === "accept") return "accept";
    trail?.drop("NAT_IMPOSSIBLE", this.#rule(number, at).owner);
    return "drop";
  }

  /** Lets the module of the target decide; undefined: the next rule. */
  #runTarget(number: number, at: number, trail: ChainTrail | undefined): ChainVerdict | undefined {
    const evaluation = this.#evaluation;
    const { rule, targetModule } = this.#face(number, at);
    const target = rule.target as ModuleTarget;
    const verdict = targetModule?.run(target, evaluation) ?? "continue";
    // Its copy came by here.
    if (target.kind === "TEE") this.#look(evaluation.state.skb);
    switch (verdict) {
      case "continue":
        return undefined;
      case "accept":
        return "accept";
      case "drop":
        trail?.drop(target.kind === "TPROXY" ? "RULE_DROP" : "NAT_IMPOSSIBLE", rule.owner);
        return "drop";
      case "reject":
        trail?.drop("RULE_REJECT", rule.owner);
        return target as RejectTarget;
      case "unknown":
        evaluation.state.skb.track?.verdict("unknown");
        return "unknown";
    }
  }

  /** Shows a rule to the modules that are asked about it. */
  #face(number: number, at: number): ReadyRule {
    const chain = this.#memory.chain(number);
    const ready = chain.ready(at);
    const evaluation = this.#evaluation;
    evaluation.chain = chain;
    evaluation.ready = ready;
    evaluation.number = at + 1;
    return ready;
  }

  /** The position of the first term that fails, or what the terms say together. */
  #ask(number: number, at: number): number {
    const { terms } = this.#face(number, at);
    let result = allMatch;
    for (let i = 0; i < terms.length; i++) {
      const term = terms[i] as Term;
      this.#evaluation.term = term;
      const matched = term.module.matches(term.match, this.#evaluation);
      if (matched === false) return i;
      if (matched === undefined) result = unknownTerm;
    }
    return result;
  }
}
