import type { RuleStep } from "../trace/records.ts";
import type { Evaluation } from "./evaluation.ts";
import type { ReadyRule, Term } from "./live-chain.ts";
import { moduleOf } from "./matches/index.ts";
import type { Failure } from "./matches/module.ts";
import { printedRule } from "./print-rule.ts";

type Missed = NonNullable<RuleStep["failed"]>[number];

/**
 * A rule that did not match, term by term: the kernel stops at the first that fails; the others are asked here too, so
 * that it can be said what it would have taken. Those that change when they are asked (counters, chance) stay open.
 */
export function judgeTerms(
  { rule, terms }: ReadyRule,
  failing: number,
  failure: Failure,
  evaluation: Evaluation,
): Pick<Missed, "terms" | "target"> {
  const { state } = evaluation;
  const { family } = state;
  const decided = terms[failing]?.match;
  // Nothing that is only asked here belongs into the trace.
  evaluation.state = { ...state, skb: { ...state.skb, track: undefined } };
  evaluation.counts = false;
  const printed = printedRule(rule, family);
  const judged = printed.terms.map(({ match, text: term }) => {
    if (match === decided) return { term, packet: failure.packet };
    const module = moduleOf(match.kind);
    if (module.changesWhenAsked === true) return { term, open: true as const };
    const ready = terms.find((one) => one.match === match);
    evaluation.term = ready ?? { match, module, memory: undefined };
    return { term, ...told(evaluation.term, evaluation) };
  });
  evaluation.state = state;
  evaluation.counts = true;
  return { terms: judged, ...(printed.target !== undefined && { target: printed.target }) };
}

function told({ match, module }: Term, evaluation: Evaluation): { readonly packet?: string; readonly open?: true } {
  switch (module.matches(match, evaluation)) {
    case true:
      return {};
    case false:
      return { packet: module.explain(match, evaluation).packet };
    case undefined:
      return { open: true };
  }
}
