import type { Family } from "../wire/address.ts";
import { type Match, isHeaderMatch, moduleOf } from "./matches/index.ts";
import type { Rule } from "./rule.ts";
import { type Target, isChainTarget, targetModule, targetName } from "./targets/index.ts";

/** The order in which iptables-save prints the terms of the IP header (print_rule4, iptables/iptables.c). */
const headerOrder = ["source", "destination", "in-interface", "out-interface", "protocol", "fragment"] as const;

/** The arguments of a rule as iptables-save prints them: the IP header first, then matches as written, then the target. */
export function printRule(rule: Rule, family: Family): string {
  const words = printOrder(rule.matches).map((match) => printTerm(match, family));
  if (rule.target !== undefined) words.push(printTarget(rule.target, family));
  return words.filter((word) => word !== "").join(" ");
}

/** A rule as text, whole and in parts. */
export interface PrintedRule {
  readonly text: string;
  /** In the order in which they are printed. */
  readonly terms: readonly { readonly match: Match; readonly text: string }[];
  readonly target: string | undefined;
}

const printed = { ipv4: new WeakMap<Rule, PrintedRule>(), ipv6: new WeakMap<Rule, PrintedRule>() };

/** The same as `printRule`, kept as long as the rule is: a trace tells the same rules of packet after packet. */
export function printedRule(rule: Rule, family: Family): PrintedRule {
  const known = printed[family].get(rule);
  if (known !== undefined) return known;
  const made: PrintedRule = {
    text: printRule(rule, family),
    terms: printOrder(rule.matches).map((match) => ({ match, text: printTerm(match, family) })),
    target: rule.target && printTarget(rule.target, family),
  };
  printed[family].set(rule, made);
  return made;
}

/** The terms of a rule in the order in which they are printed. */
export function printOrder(matches: readonly Match[]): readonly Match[] {
  const ordered: Match[] = [];
  for (const kind of headerOrder) for (const match of matches) if (match.kind === kind) ordered.push(match);
  for (const match of matches) if (!isHeaderMatch(match)) ordered.push(match);
  return ordered;
}

/** One match with its `-m NAME`. */
export function printTerm(match: Match, family: Family): string {
  const options = moduleOf(match.kind).print(match, family);
  if (isHeaderMatch(match)) return options;
  const name = match.kind === "unmodelled" ? match.name : match.kind;
  return options === "" ? `-m ${name}` : `-m ${name} ${options}`;
}

/** `-j NAME` with its options. */
export function printTarget(target: Target, family: Family): string {
  if (isChainTarget(target)) return `${target.kind === "jump" ? "-j" : "-g"} ${target.chain}`;
  const options = targetModule(target.kind).print(target, family);
  return options === "" ? `-j ${targetName(target)}` : `-j ${targetName(target)} ${options}`;
}
