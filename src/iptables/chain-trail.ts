import { placeOf } from "../kernel/netfilter.ts";
import type { PacketRecorder } from "../trace/recorder.ts";
import type { Owner, RuleStep } from "../trace/records.ts";
import { type RuleDropCode, ruleDropCodes } from "./drop-codes.ts";
import type { Evaluation } from "./evaluation.ts";
import { judgeTerms } from "./judge-terms.ts";
import type { LiveChain, ReadyRule, Term } from "./live-chain.ts";
import { printTerm, printedRule } from "./print-rule.ts";
import { type ModuleTarget, targetName } from "./targets/index.ts";

/** So many rules of a run of misses are recorded term by term; of the others, the term that failed. */
const mostJudged = 48;

type FailedTerm = NonNullable<RuleStep["failed"]>[number];

/**
 * Records a packet's way through one chain, in the order and with the numbers of the kernel's own TRACE: a rule that
 * matched before its target runs, the end of a user chain as `return`, that of a built-in chain as `policy`. Rules
 * that did not match are runs of rules.
 */
export class ChainTrail {
  readonly #track: PacketRecorder;
  readonly #evaluation: Evaluation;
  readonly #chain: LiveChain;
  /** Position of the first rule that no step speaks of yet. */
  #from = 0;
  #failed: FailedTerm[] | undefined;

  constructor(track: PacketRecorder, evaluation: Evaluation, chain: LiveChain) {
    this.#track = track;
    this.#evaluation = evaluation;
    this.#chain = chain;
  }

  /** The rule at a position was asked and did not match; `failing` is the position of the term. */
  missed(at: number, ready: ReadyRule, failing: number): void {
    const evaluation = this.#evaluation;
    const choice = evaluation.takeChoice();
    const stateChanges = evaluation.takeNoted();
    const wanted = this.#track.wantsMisses || choice !== undefined;
    const missed = wanted ? this.#explain(ready, failing) : undefined;
    if (choice === undefined && stateChanges === undefined) {
      if (missed !== undefined) (this.#failed ??= []).push(missed);
      return;
    }
    // A rule that took a chance or changed state stands for itself.
    this.#passed(at);
    this.#miss(at, at + 1, missed && [missed], { choice, stateChanges });
    this.#from = at + 1;
  }

  /** The rule at a position matched; its target did not run yet. `packets` counts this one too. */
  matched(at: number, ready: ReadyRule, packets: number, isUnknown: boolean): void {
    this.#passed(at);
    this.#from = at + 1;
    const { rule } = ready;
    const { target } = rule;
    const evaluation = this.#evaluation;
    const effects =
      target === undefined || isUnknown
        ? {}
        : (ready.targetModule?.effects?.(target as ModuleTarget, evaluation) ?? {});
    const stateChanges = [...(evaluation.takeNoted() ?? []), ...(effects.stateChanges ?? [])];
    const choice = evaluation.takeChoice();
    this.#track.step({
      kind: "rule",
      ...this.#place(at),
      matched: true,
      rules: printedRule(rule, evaluation.state.family).text,
      ...placeOf(evaluation.state),
      ...(target !== undefined && { target: targetName(target) }),
      packets,
      ...(rule.owner && { owner: rule.owner }),
      ...(effects.changes !== undefined && { changes: effects.changes }),
      ...(stateChanges.length > 0 && { stateChanges }),
      ...(choice && { choice }),
      ...(isUnknown && { text: unknownText(ready, evaluation) }),
    });
  }

  /** The last rule is passed. What a built-in chain says then is told by `policy`. */
  ended(): void {
    const chain = this.#chain;
    this.#passed(chain.rules.length);
    if (chain.chain.policy === undefined) this.#end("return");
  }

  policy(verdict: "ACCEPT" | "DROP"): void {
    this.#end("policy", verdict);
    if (verdict === "DROP") this.drop("POLICY_DROP", undefined);
  }

  drop(code: RuleDropCode, owner: Owner | undefined): void {
    const { meaning, kernelReason } = ruleDropCodes[code];
    this.#track.step({
      kind: "drop",
      code,
      text: meaning,
      ...(kernelReason !== undefined && { kernelReason }),
      ...(owner && { owner }),
    });
    this.#track.verdict(code === "RULE_REJECT" ? "rejected" : "dropped");
  }

  /** Records the rules before a position, of which no step speaks yet, as a run of misses. */
  #passed(to: number): void {
    if (this.#from < to) this.#miss(this.#from, to, this.#failed, {});
    this.#failed = undefined;
  }

  #miss(
    from: number,
    to: number,
    failed: readonly FailedTerm[] | undefined,
    {
      choice,
      stateChanges,
    }: { choice?: RuleStep["choice"] | undefined; stateChanges?: RuleStep["stateChanges"] | undefined },
  ): void {
    const { state } = this.#evaluation;
    const single = to === from + 1 ? this.#chain.rules[from] : undefined;
    this.#track.step({
      kind: "rule",
      ...this.#place(from),
      matched: false,
      ...placeOf(state),
      ...(single === undefined ? { through: to } : { rules: printedRule(single, state.family).text }),
      ...(single?.owner && { owner: single.owner }),
      ...(failed && { failed }),
      ...(choice && { choice }),
      ...(stateChanges && { stateChanges }),
    });
  }

  #end(action: "policy" | "return", verdict?: string): void {
    this.#track.step({
      kind: "chain",
      table: this.#evaluation.table,
      chain: this.#chain.name,
      action,
      rule: this.#chain.rules.length + 1,
      ...placeOf(this.#evaluation.state),
      ...(verdict !== undefined && { verdict }),
    });
  }

  #place(at: number): { readonly table: string; readonly chain: string; readonly rule: number } {
    return { table: this.#evaluation.table, chain: this.#chain.name, rule: at + 1 };
  }

  /** Why a rule was missed; behind many others of the same run, in few words. */
  #explain(ready: ReadyRule, failing: number): FailedTerm {
    const evaluation = this.#evaluation;
    const term = ready.terms[failing] as Term;
    evaluation.term = term;
    const failure = term.module.explain(term.match, evaluation);
    const isJudged = (this.#failed?.length ?? 0) < mostJudged;
    return {
      rule: evaluation.number,
      ...failure,
      ...(isJudged && judgeTerms(ready, failing, failure, evaluation)),
    };
  }
}

function unknownText({ terms }: ReadyRule, evaluation: Evaluation): string {
  const { family } = evaluation.state;
  const open = terms.filter((term) => {
    evaluation.term = term;
    return term.module.matches(term.match, evaluation) === undefined;
  });
  const texts = open.map(({ match }) => {
    const why = match.kind === "unmodelled" ? "is not modelled" : "asks for what is not known";
    return `\`${printTerm(match, family)}\` ${why}`;
  });
  return `Rule ${evaluation.number} of chain ${evaluation.chain?.name ?? ""} would decide, and ${texts.join(", and ")}: what becomes of the packet is unknown.`;
}
