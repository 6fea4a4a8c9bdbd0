import {
  type CheckResult,
  checkDroppedBy,
  checkGoesThrough,
  checkNatTo,
  checkOutcome,
  checkPreservesSource,
  checkReached,
  checkRejectedBy,
  matchesPattern,
} from "../analysis/checks.ts";
import { placesOf } from "../analysis/places.ts";
import { mainFlow } from "../trace/main-flow.ts";
import type { Trace } from "../trace/records.ts";
import type { Expectation } from "./scenario.ts";

/** What expectations need to know beyond the trace. */
export interface ExpectationContext {
  /** The namespaces a pod or workload stands for. */
  namespacesOf(who: string): readonly string[];
  /** The traces of all random branches. */
  branches(): readonly Trace[];
}

/** One sentence per expectation that is not met. */
export function failuresOf(trace: Trace, expect: Expectation, context: ExpectationContext): readonly string[] {
  const results: CheckResult[] = [];
  const check = <T>(value: T | undefined, run: (value: T) => CheckResult): void => {
    if (value !== undefined) results.push(run(value));
  };
  check(expect.outcome, (outcome) => checkOutcome(trace, outcome));
  check(expect.message, (pattern) => ({
    pass: matchesPattern(pattern, trace.message),
    message: `expected the message ${pattern}, saw ${trace.message}`,
  }));
  check(expect.reaches, (who) => checkReached(trace, context.namespacesOf(who)));
  check(expect.reachesOnly, (whos) => checkReachesOnly(context, whos));
  check(expect.goesThrough, (places) => checkGoesThrough(trace, places));
  check(expect.notThrough, (places) => checkNotThrough(trace, places));
  check(expect.natTo, (pattern) => checkNatTo(trace, pattern));
  check(expect.preservesSource, (wanted) => {
    const result = checkPreservesSource(trace);
    return wanted
      ? result
      : { pass: !result.pass, message: "expected the source address to be rewritten, it was preserved" };
  });
  check(expect.droppedBy, (owner) => checkDroppedBy(trace, owner));
  check(expect.rejectedBy, (owner) => checkRejectedBy(trace, owner));
  check(expect.takesUnderNanos, (limit) => ({
    pass: trace.durationNanos < limit,
    message: `expected an outcome in under ${seconds(limit)}, it took ${seconds(trace.durationNanos)}`,
  }));
  check(expect.takesOverNanos, (limit) => ({
    pass: trace.durationNanos > limit,
    message: `expected the outcome after ${seconds(limit)}, it took ${seconds(trace.durationNanos)}`,
  }));
  return results.filter(({ pass }) => !pass).map(({ message }) => message);
}

function checkReachesOnly(context: ExpectationContext, whos: readonly string[]): CheckResult {
  const allowed = whos.flatMap((who) => context.namespacesOf(who));
  const wrong = context
    .branches()
    .map((trace) => checkReached(trace, allowed))
    .find(({ pass }) => !pass);
  return wrong ?? { pass: true, message: "" };
}

function checkNotThrough(trace: Trace, patterns: readonly string[]): CheckResult {
  const places = placesOf(trace);
  const visited = patterns.flatMap((pattern) => places.find((place) => matchesPattern(pattern, place)) ?? []);
  const stayed = `expected the packets to stay away from ${patterns.join(", ")}`;
  const message =
    mainFlow(trace) === undefined
      ? `${stayed}; no packet was sent`
      : `${stayed}, they visited ${[...new Set(visited)].join(", ")}`;
  return { pass: mainFlow(trace) !== undefined && visited.length === 0, message };
}

function seconds(nanos: number): string {
  return `${(nanos / 1_000_000_000).toFixed(3)} s`;
}
