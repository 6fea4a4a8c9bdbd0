import type { LabelSelector } from "./objects.ts";

type Requirement = LabelSelector["matchExpressions"][number];
export type Labels = Readonly<Record<string, string>>;

/**
 * Whether a label selector takes these labels: all of `matchLabels` and all of `matchExpressions`; the empty
 * selector takes everything. apimachinery pkg/labels/selector.go (`Requirement.Matches`).
 */
export function matches(selector: LabelSelector, labels: Labels): boolean {
  return (
    matchesLabels(selector.matchLabels, labels) &&
    selector.matchExpressions.every((expression) => holds(expression, labels))
  );
}

/** The plain form of a Service's or a ReplicationController's `selector`: every pair must be there. */
export function matchesLabels(wanted: Labels, labels: Labels): boolean {
  for (const key in wanted) {
    if (!Object.hasOwn(labels, key) || labels[key] !== wanted[key]) return false;
  }
  return true;
}

function holds(expression: Requirement, labels: Labels): boolean {
  const value = Object.hasOwn(labels, expression.key) ? labels[expression.key] : undefined;
  switch (expression.operator) {
    case "In":
      return value !== undefined && expression.values.includes(value);
    case "NotIn":
      // A pod without the key is taken: NotIn is the negation of In.
      return value === undefined || !expression.values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
  }
}

/** The selector in the one-line form of `kubectl get -l`: `app=web,tier in (a,b),!old`; `<all>` when it is empty. */
export function selectorText(selector: LabelSelector): string {
  const terms = [
    ...Object.entries(selector.matchLabels).map(([key, value]) => `${key}=${value}`),
    ...selector.matchExpressions.map(expressionText),
  ];
  return terms.length === 0 ? "<all>" : terms.join(",");
}

function expressionText({ key, operator, values }: Requirement): string {
  switch (operator) {
    case "In":
      return `${key} in (${values.join(",")})`;
    case "NotIn":
      return `${key} notin (${values.join(",")})`;
    case "Exists":
      return key;
    case "DoesNotExist":
      return `!${key}`;
  }
}
