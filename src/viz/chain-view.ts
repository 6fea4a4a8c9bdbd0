import type { HookName, MissedRule, Step } from "../trace/records.ts";
import type { Course, Moment } from "./moments.ts";
import { commentOf } from "./why.ts";

/** One line of a chain as the packet met it. */
export interface ChainLine {
  /** Index of the moment that recorded it. */
  readonly moment: number;
  /** `1`, or `2-9` for a run of misses. */
  readonly rule: string;
  readonly result: "matched" | "missed" | "end";
  /** The rule's text, or what ended the chain. */
  readonly text: string;
  /** What its author wrote into it. */
  readonly comment?: string;
  /** For a miss the term that failed and what the packet has. */
  readonly failed?: { readonly term: string; readonly packet: string };
  /** Packets that the rule has matched so far. */
  readonly counted?: number;
}

export interface ChainVisit {
  readonly hook: HookName;
  readonly table: string;
  readonly chain: string;
  readonly lines: readonly ChainLine[];
}

/** The chains that the packet went through during its stop, in order; a chain that is come back to appears again. */
export function chainVisits({ moments, stops }: Course, at: Moment): readonly ChainVisit[] {
  const stop = stops[at.stop];
  if (stop === undefined) return [];
  const visits: (ChainVisit & { readonly lines: ChainLine[] })[] = [];
  for (const { step, index } of moments.slice(stop.first, stop.last + 1)) {
    if (step.kind !== "rule" && step.kind !== "chain" && step.kind !== "map") continue;
    const { hook, table, chain } = step;
    const last = visits.at(-1);
    const same = last?.hook === hook && last.table === table && last.chain === chain;
    if (!same) visits.push({ hook, table, chain, lines: [] });
    visits.at(-1)?.lines.push(...linesOf(step, index));
  }
  return visits;
}

function linesOf(step: Step & { kind: "rule" | "chain" | "map" }, moment: number): readonly ChainLine[] {
  switch (step.kind) {
    case "chain":
      return [
        {
          moment,
          rule: "end",
          result: "end",
          text: step.action === "policy" ? `policy ${step.verdict ?? "ACCEPT"}` : "return",
        },
      ];
    case "map": {
      const text = `${step.map}: ${step.key} → ${step.value ?? (step.found ? "found" : "no entry")}`;
      return [{ moment, rule: String(step.rule), result: step.found ? "matched" : "missed", text }];
    }
    case "rule":
      return step.matched ? [matched(step, moment)] : missed(step, moment);
  }
}

function matched(step: Step & { kind: "rule" }, moment: number): ChainLine {
  const counted = step.packets === undefined ? {} : { counted: step.packets };
  return {
    moment,
    rule: String(step.rule),
    result: "matched",
    text: step.rules ?? step.target ?? step.text,
    ...counted,
  };
}

function missed(step: Step & { kind: "rule" }, moment: number): readonly ChainLine[] {
  const { rule, through = rule, failed = [] } = step;
  if (failed.length === 0)
    return [
      { moment, rule: through > rule ? `${rule}-${through}` : String(rule), result: "missed", text: step.rules ?? "" },
    ];
  return failed.map((miss) => {
    const comment = commentOf(miss.terms?.map(({ term }) => term) ?? []);
    return {
      moment,
      rule: String(miss.rule),
      result: "missed",
      text: through === rule && step.rules !== undefined ? step.rules : ruleText(miss),
      ...(comment !== undefined && { comment }),
      failed: { term: miss.term, packet: miss.packet },
    };
  });
}

/** The rule as iptables-save prints it; empty where the trace names its failing term alone. */
function ruleText({ terms = [], target }: MissedRule): string {
  return [...terms.map(({ term }) => term), ...(terms.length > 0 && target !== undefined ? [target] : [])].join(" ");
}
