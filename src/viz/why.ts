import type { JudgedTerm, MissedRule, Step } from "../trace/records.ts";

/** One term of a rule, as the packet met it. */
export interface WhyTerm {
  readonly term: string;
  readonly result: "held" | "failed" | "open" | "not told";
  /** What the packet has instead. */
  readonly packet?: string;
}

/** A rule term by term. */
export interface WhyRule {
  /** Its number in the chain. */
  readonly rule: number;
  readonly terms: readonly WhyTerm[];
  /** `-j KUBE-SVC-...`: what follows, or would have followed. */
  readonly target?: string;
  /** What its author wrote into it. */
  readonly comment?: string;
  /** For a miss: what it would have taken, as a sentence. */
  readonly would?: readonly WouldPart[];
}

/** A piece of a sentence: words, or a piece of a rule. */
export type WouldPart = string | { readonly code: string };

/** The rules that a step looked at: one that matched, or each of a run of misses. */
export function whyRules(step: Step): readonly WhyRule[] {
  if (step.kind !== "rule") return [];
  if (!step.matched) return (step.failed ?? []).map(missedRule);
  if (step.rules === undefined) return [];
  const { terms, target } = splitRule(step.rules);
  const held = terms.filter(isCondition).map((term): WhyTerm => ({ term: shortTerm(term), result: "held" }));
  const comment = commentOf(terms);
  return [
    {
      rule: step.rule,
      terms: held,
      ...(comment !== undefined && { comment }),
      ...(target !== undefined && { target }),
    },
  ];
}

function missedRule({ rule, term, packet, terms, target }: MissedRule): WhyRule {
  if (terms === undefined) return { rule, terms: [{ term, result: "failed", packet }] };
  const told = terms
    .filter(({ term: text }) => isCondition(text))
    .map((one): WhyTerm => {
      const name = shortTerm(one.term);
      if (one.packet !== undefined) return { term: name, result: "failed", packet: one.packet };
      return { term: name, result: one.open === true ? "open" : "held" };
    });
  const comment = commentOf(terms.map((one) => one.term));
  return {
    rule,
    terms: told,
    ...(comment !== undefined && { comment }),
    ...(target !== undefined && { target }),
    would: wouldMatch(terms, target),
  };
}

/** What would have had to be otherwise for the rule to match. */
function wouldMatch(terms: readonly JudgedTerm[], target: string | undefined): readonly WouldPart[] {
  const failed = terms.filter(({ packet }) => packet !== undefined).map(({ term }) => shortTerm(term));
  const open = terms.filter((one) => one.open === true).map(({ term }) => shortTerm(term));
  const goal = target === undefined ? ["It would have matched"] : ["It would have come to ", { code: target }];
  const needs = failed.length > 0 ? [" if ", ...list(failed), " held"] : [];
  const chance =
    open.length > 0
      ? [failed.length > 0 ? ", and if " : " if ", ...list(open), " agreed, which cannot be told beforehand"]
      : [];
  return [...goal, ...needs, ...chance, "."];
}

function list(terms: readonly string[]): readonly WouldPart[] {
  return terms.flatMap((code, index) => {
    const joint = index === 0 ? [] : [index === terms.length - 1 ? " and " : ", "];
    return [...joint, { code }];
  });
}

const commentTerm = /^-m comment --comment (.*)$/;

function isCondition(term: string): boolean {
  return !commentTerm.test(term);
}

/** The comment among the terms of a rule, without its quotes. */
export function commentOf(terms: readonly string[]): string | undefined {
  const text = terms.map((term) => commentTerm.exec(term)?.[1]).find((one) => one !== undefined);
  return text?.replace(/^"(.*)"$/, "$1").replaceAll(/\\(.)/g, "$1");
}

/** `-m tcp --dport 80` is `--dport 80`: the module is loaded, it is no condition. `-m socket` alone is one. */
function shortTerm(term: string): string {
  return term.replace(/^-m \S+ (?=(?:! )?--)/, "");
}

/** Where a new term begins: an option of the IP header, or a module; the target comes last. */
const termBegins: ReadonlySet<string> = new Set(["-s", "-d", "-i", "-o", "-p", "-f", "-m"]);

/** A rule in iptables-save syntax, cut into its terms and its target. */
export function splitRule(rules: string): { readonly terms: readonly string[]; readonly target?: string } {
  const words = rules.match(/"(?:\\.|[^"\\])*"|\S+/g) ?? [];
  const terms: string[][] = [];
  let target: string[] | undefined;
  for (const [index, word] of words.entries()) {
    const next = word === "!" ? words[index + 1] : undefined;
    const begins = termBegins.has(word) ? words[index - 1] !== "!" : next !== undefined && termBegins.has(next);
    if (target !== undefined) target.push(word);
    else if (word === "-j" || word === "-g") target = [word];
    else if (begins || terms.length === 0) terms.push([word]);
    else terms.at(-1)?.push(word);
  }
  return { terms: terms.map((term) => term.join(" ")), ...(target && { target: target.join(" ") }) };
}
