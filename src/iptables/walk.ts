import { type HookState, type HookVerdict, placeOf } from "../kernel/netfilter.ts";
import type { PacketRecorder } from "../trace/recorder.ts";
import type { Owner, RuleStep } from "../trace/records.ts";
import { packetBytes } from "../wire/packet.ts";
import { type RuleDropCode, ruleDropCodes } from "./drop-codes.ts";
import type { Evaluation } from "./evaluation.ts";
import { judgeTerms } from "./judge-terms.ts";
import type { LiveChain, ReadyRule, Term } from "./live-chain.ts";
import { printRule, printTerm } from "./print-rule.ts";
import { sendRejection } from "./reject.ts";
import type { TableName } from "./rule.ts";
import { type ModuleTarget, isChainTarget, targetName } from "./targets/index.ts";
import type { RejectTarget } from "./targets/reject.ts";

/** Jumps deep enough that they can only be a circle; the kernel refuses circles when rules are loaded. */
const maxDepth = 256;

/** So many rules of a run of misses are recorded term by term; of the others, the term that failed. */
const mostJudged = 48;

/** How a chain ended. `end`: its last rule was passed, or a RETURN said so. */
type ChainVerdict = "end" | "accept" | "drop" | "unknown" | RejectTarget;

type FailedTerm = NonNullable<RuleStep["failed"]>[number];

/**
 * Takes packets through the chains of one table (ipt_do_table, net/ipv4/netfilter/ip_tables.c). Steps are recorded
 * in the order and with the numbers of the kernel's own TRACE: a rule that matched before its target runs, the
 * end of a user chain as `return`, that of a built-in chain as `policy`.
 */
export class TableWalk {
  readonly #table: TableName;
  readonly #chains: ReadonlyMap<string, LiveChain>;
  readonly #evaluation: Evaluation;

  constructor(table: TableName, chains: ReadonlyMap<string, LiveChain>, evaluation: Evaluation) {
    this.#table = table;
    this.#chains = chains;
    this.#evaluation = evaluation;
  }

  run(state: HookState): HookVerdict {
    const base = this.#chains.get(state.hook);
    if (base === undefined) return "accept";
    this.#evaluation.state = state;
    this.#evaluation.table = this.#table;
    const bytes = packetBytes(state.skb.packet);
    const verdict = this.#walk(base, bytes, 0);
    if (verdict === "end") return this.#policy(base, state, bytes);
    if (typeof verdict !== "string") {
      sendRejection(state, verdict);
      return "drop";
    }
    return verdict;
  }

  #policy(base: LiveChain, state: HookState, bytes: number): HookVerdict {
    const verdict = base.chain.policy ?? "ACCEPT";
    base.countPolicy(bytes);
    const { track } = state.skb;
    if (track !== undefined) {
      this.#chainEnd(track, state, base, "policy", verdict);
      if (verdict === "DROP") this.#drop(track, "POLICY_DROP", undefined);
    }
    return verdict === "ACCEPT" ? "accept" : "drop";
  }

  #walk(chain: LiveChain, bytes: number, depth: number): ChainVerdict {
    const evaluation = this.#evaluation;
    const { state } = evaluation;
    const { track } = state.skb;
    const index = track?.wantsMisses === true ? null : chain.index;
    let runFrom = 0;
    let failed: FailedTerm[] | undefined;
    for (let at = 0; ; at++) {
      if (index !== null) at = index.next(state, at, chain.length);
      if (at >= chain.length) {
        if (track !== undefined) this.#misses(track, state, chain, runFrom, chain.length, failed);
        if (chain.chain.policy === undefined && track !== undefined) this.#chainEnd(track, state, chain, "return");
        return "end";
      }
      const ready = chain.ready(at);
      evaluation.chain = chain;
      evaluation.ready = ready;
      evaluation.number = at + 1;
      const failing = this.#firstFailing(ready);
      if (failing >= 0) {
        if (track === undefined) continue;
        const choice = evaluation.takeChoice();
        const stateChanges = evaluation.takeNoted();
        const known = failed?.length ?? 0;
        const missed = track.wantsMisses || choice !== undefined ? this.#explain(ready, failing, known) : undefined;
        if (choice === undefined && stateChanges === undefined) {
          if (missed !== undefined) (failed ??= []).push(missed);
          continue;
        }
        // A rule that took a chance or changed state stands for itself.
        this.#misses(track, state, chain, runFrom, at, failed);
        this.#miss(track, state, chain, at, at + 1, missed && [missed], { choice, stateChanges });
        runFrom = at + 1;
        failed = undefined;
        continue;
      }
      ready.packets++;
      ready.bytes += bytes;
      const { target } = ready.rule;
      const isUnknown = failing === unknownTerm;
      if (track !== undefined) {
        this.#misses(track, state, chain, runFrom, at, failed);
        this.#matched(track, state, chain, ready, isUnknown);
        runFrom = at + 1;
        failed = undefined;
      }
      if (isUnknown) {
        track?.verdict("unknown");
        return "unknown";
      }
      if (target === undefined) continue;
      if (isChainTarget(target)) {
        const next = this.#chainOf(ready, target.chain);
        if (next === undefined || depth >= maxDepth) {
          if (track !== undefined) this.#drop(track, "CHAIN_LOOP", ready.rule.owner);
          return "drop";
        }
        const verdict = this.#walk(next, bytes, depth + 1);
        // Behind a goto the chain is left as if it had ended here.
        if (verdict !== "end" || target.kind === "goto") return verdict;
        continue;
      }
      if (target.kind === "RETURN") return "end";
      const verdict = (ready.targetModule as NonNullable<ReadyRule["targetModule"]>).run(
        target as ModuleTarget,
        evaluation,
      );
      switch (verdict) {
        case "continue":
          continue;
        case "accept":
          return "accept";
        case "drop":
          if (track !== undefined)
            this.#drop(track, target.kind === "DROP" ? "RULE_DROP" : "NAT_IMPOSSIBLE", ready.rule.owner);
          return "drop";
        case "reject":
          if (track !== undefined) this.#drop(track, "RULE_REJECT", ready.rule.owner);
          return target as RejectTarget;
        case "unknown":
          track?.verdict("unknown");
          return "unknown";
      }
    }
  }

  #chainOf(ready: ReadyRule, name: string): LiveChain | undefined {
    if (ready.next === undefined || ready.next.isDeleted) ready.next = this.#chains.get(name);
    return ready.next;
  }

  /** The index of the first term that fails; -1 when all match, -2 when all modelled ones do and one is not modelled. */
  #firstFailing({ terms }: ReadyRule): number {
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

  /** Why a rule was missed; after `known` others of the same run, in few words. */
  #explain(ready: ReadyRule, failing: number, known: number): FailedTerm {
    const evaluation = this.#evaluation;
    const term = ready.terms[failing] as Term;
    evaluation.term = term;
    const failure = term.module.explain(term.match, evaluation);
    const whole = known < mostJudged ? judgeTerms(ready, failing, failure, evaluation) : {};
    return { rule: evaluation.number, ...failure, ...whole };
  }

  #matched(track: PacketRecorder, state: HookState, chain: LiveChain, ready: ReadyRule, isUnknown: boolean): void {
    const { rule } = ready;
    const { target } = rule;
    const evaluation = this.#evaluation;
    const effects =
      target === undefined || isUnknown
        ? {}
        : (ready.targetModule?.effects?.(target as ModuleTarget, evaluation) ?? {});
    const stateChanges = [...(evaluation.takeNoted() ?? []), ...(effects.stateChanges ?? [])];
    const choice = evaluation.takeChoice();
    track.step({
      kind: "rule",
      table: this.#table,
      chain: chain.name,
      rule: evaluation.number,
      matched: true,
      rules: printRule(rule, state.family),
      ...placeOf(state),
      ...(target !== undefined && { target: targetName(target) }),
      packets: ready.packets,
      ...(rule.owner && { owner: rule.owner }),
      ...(effects.changes !== undefined && { changes: effects.changes }),
      ...(stateChanges.length > 0 && { stateChanges }),
      ...(choice && { choice }),
      ...(isUnknown && { text: unknownText(ready, evaluation) }),
    });
  }

  /** Records the rules from one position to before another as a run of misses. */
  #misses(
    track: PacketRecorder,
    state: HookState,
    chain: LiveChain,
    from: number,
    to: number,
    failed: FailedTerm[] | undefined,
  ): void {
    if (from < to) this.#miss(track, state, chain, from, to, failed, {});
  }

  #miss(
    track: PacketRecorder,
    state: HookState,
    chain: LiveChain,
    from: number,
    to: number,
    failed: FailedTerm[] | undefined,
    {
      choice,
      stateChanges,
    }: { readonly choice?: RuleStep["choice"]; readonly stateChanges?: RuleStep["stateChanges"] },
  ): void {
    const single = to === from + 1 ? chain.chain.rules[from] : undefined;
    track.step({
      kind: "rule",
      table: this.#table,
      chain: chain.name,
      rule: from + 1,
      matched: false,
      ...placeOf(state),
      ...(single === undefined ? { through: to } : { rules: printRule(single, state.family) }),
      ...(single?.owner && { owner: single.owner }),
      ...(failed && { failed }),
      ...(choice && { choice }),
      ...(stateChanges && { stateChanges }),
    });
  }

  #chainEnd(
    track: PacketRecorder,
    state: HookState,
    chain: LiveChain,
    action: "policy" | "return",
    verdict?: string,
  ): void {
    track.step({
      kind: "chain",
      table: this.#table,
      chain: chain.name,
      action,
      rule: chain.length + 1,
      ...placeOf(state),
      ...(verdict !== undefined && { verdict }),
    });
  }

  #drop(track: PacketRecorder, code: RuleDropCode, owner: Owner | undefined): void {
    const { meaning, kernelReason } = ruleDropCodes[code];
    track.step({
      kind: "drop",
      code,
      text: meaning,
      ...(kernelReason !== undefined && { kernelReason }),
      ...(owner && { owner }),
    });
    track.verdict(code === "RULE_REJECT" ? "rejected" : "dropped");
  }
}

const allMatch = -1;
const unknownTerm = -2;

function unknownText({ terms }: ReadyRule, evaluation: Evaluation): string {
  const { family } = evaluation.state;
  const open = terms.filter((term) => {
    evaluation.term = term;
    return term.module.matches(term.match, evaluation) === undefined;
  });
  const texts = open.map(({ match }) => `\`${printTerm(match, family)}\``);
  return `Rule ${evaluation.number} of chain ${evaluation.chain?.name ?? ""} would decide, and ${texts.join(" and ")} is not modelled: what becomes of the packet is unknown.`;
}
