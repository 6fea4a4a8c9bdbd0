import { culprit, formatOwner } from "../analysis/checks.ts";
import { allSteps, stepsOf } from "../analysis/places.ts";
import type { Step, Trace } from "../index.ts";

const lastSteps = 5;

/** What a failed matcher shows of a trace: the last steps, and what ended the probe with its rule, owner and manifest line. */
export function evidence(trace: Trace): readonly string[] {
  return [
    "the last steps:",
    ...lastStepsOf(trace).map(({ namespace, text }) => `  ${namespace}: ${text}`),
    ...endOf(trace),
  ];
}

/** Of the probe's own conversation; where none began, of the resolver and of what happened outside of packets. */
function lastStepsOf(trace: Trace): readonly Step[] {
  const own = stepsOf(trace).map(({ step }) => step);
  const steps = own.length > 0 ? own : trace.flows.flatMap((flow) => flow.steps).sort((a, b) => a.id - b.id);
  return steps.slice(-lastSteps);
}

function endOf(trace: Trace): readonly string[] {
  const end = trace.outcome === "answered" ? undefined : culprit(trace);
  // A drop without an owner in another conversation (ARP shown to every port) is no reason of the outcome.
  if (end === undefined || (end.owner === undefined && !stepsOf(trace).some(({ step }) => step === end))) return [];
  const rule = ruleOf(trace, end);
  return [
    `ended by: ${end.text}`,
    ...(rule === undefined ? [] : [`  rule: ${rule}`]),
    ...(end.owner === undefined ? [] : [`  owner: ${formatOwner(end.owner)}${placeOf(end)}`]),
  ];
}

/** The rule that led to a drop: the last one of the same owner that matched before it. */
function ruleOf(trace: Trace, end: Step): string | undefined {
  const rule = allSteps(trace)
    .filter((step) => step.kind === "rule")
    .findLast((step) => step.matched && step.id <= end.id && step.owner === end.owner);
  return rule && `table ${rule.table}, chain ${rule.chain}, number ${rule.rule}: ${rule.rules}`;
}

function placeOf({ owner }: Step): string {
  return owner?.origin === undefined ? "" : ` at ${owner.origin.file}:${owner.origin.line}`;
}
