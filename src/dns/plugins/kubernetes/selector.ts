import type { LabelSelector } from "../../../cluster/objects.ts";

type Expression = LabelSelector["matchExpressions"][number];

const key = String.raw`[A-Za-z0-9][-A-Za-z0-9_./]*`;
const setTerm = new RegExp(String.raw`^(${key})\s+(in|notin)\s*\(([^()]*)\)$`);
const equalityTerm = new RegExp(String.raw`^(${key})\s*(==|=|!=)\s*([-A-Za-z0-9_.]*)$`);
const presenceTerm = new RegExp(`^(!?)\\s*(${key})$`);

/** A selector in the form of `kubectl -l`: `app=web,tier in (a, b),!old`; undefined when it is not one. */
export function parseSelector(text: string): LabelSelector | undefined {
  const matchExpressions: Expression[] = [];
  for (const term of splitOutsideBrackets(text)) {
    const expression = parseTerm(term.trim());
    if (expression === undefined) return undefined;
    matchExpressions.push(expression);
  }
  return { matchLabels: {}, matchExpressions };
}

function parseTerm(term: string): Expression | undefined {
  const set = setTerm.exec(term);
  if (set !== null) {
    const values = (set[3] as string).split(",").map((value) => value.trim());
    return { key: set[1] as string, operator: set[2] === "in" ? "In" : "NotIn", values };
  }
  const equality = equalityTerm.exec(term);
  if (equality !== null) {
    const operator = equality[2] === "!=" ? "NotIn" : "In";
    return { key: equality[1] as string, operator, values: [equality[3] as string] };
  }
  const presence = presenceTerm.exec(term);
  if (presence === null) return undefined;
  return { key: presence[2] as string, operator: presence[1] === "!" ? "DoesNotExist" : "Exists", values: [] };
}

function splitOutsideBrackets(text: string): readonly string[] {
  return text.split(/,(?![^()]*\))/);
}
