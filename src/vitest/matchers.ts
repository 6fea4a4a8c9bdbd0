import {
  type CheckResult,
  type OwnerPattern,
  checkDroppedBy,
  checkGoesThrough,
  checkNatTo,
  checkPreservesSource,
  checkReached,
  checkRejectedBy,
  culprit,
  formatOwner,
} from "../analysis/checks.ts";
import { stepsOf } from "../analysis/places.ts";
import { type Trace, namespacesOf, withPoliciesLifted } from "../index.ts";

/** What vitest's expect.extend takes: the verdict and the text of a failure. */
export interface MatcherResult {
  readonly pass: boolean;
  readonly message: () => string;
}

/** The probe was answered by this pod or by a pod of this workload: `deploy/web`, `shop/pod/web-0`. */
export function toReach(trace: Trace, who: string): MatcherResult {
  return report(trace, checkReached(trace, namespacesOf(trace, who)), `to reach ${who}`);
}

/** The probe was refused by an answer: a reset, or an ICMP error. With a pattern: by a rule of that owner. */
export function toBeRejected(trace: Trace, by?: OwnerPattern): MatcherResult {
  const rejected = ["refused", "reset", "unreachable"].includes(trace.outcome);
  const result = by
    ? checkRejectedBy(trace, by)
    : { pass: rejected, message: `expected an answer that refuses, saw ${trace.outcome}: ${trace.message}` };
  return report(trace, withControl(trace, result), "to be rejected");
}

/** A rule of this owner dropped or rejected the probe. The same probe without policies must be answered. */
export function toBeDroppedBy(trace: Trace, by: OwnerPattern): MatcherResult {
  const dropped = checkDroppedBy(trace, by);
  const result = dropped.pass ? dropped : checkRejectedBy(trace, by);
  return report(trace, withControl(trace, result), `to be dropped by ${by.kind ?? ""} ${by.name ?? ""}`);
}

/** The outgoing packets visited these places in this order: namespaces, nodes, devices, tables, chains, sets, targets. */
export function toGoThrough(trace: Trace, ...places: readonly string[]): MatcherResult {
  return report(trace, checkGoesThrough(trace, places), `to go through ${places.join(", ")}`);
}

/** The destination was rewritten to this address and port; `*` is a wildcard. */
export function toBeNatedTo(trace: Trace, pattern: string): MatcherResult {
  return report(trace, checkNatTo(trace, pattern), `to be rewritten to ${pattern}`);
}

/** The server saw the client's own address. */
export function toPreserveSourceIP(trace: Trace): MatcherResult {
  return report(trace, checkPreservesSource(trace), "to preserve the source address");
}

/**
 * A denied probe proves something only if it would be answered otherwise: where policies are at work the same
 * probe is run with all of them lifted, and must be answered.
 */
function withControl(trace: Trace, result: CheckResult): CheckResult {
  if (!result.pass) return result;
  const lifted = withPoliciesLifted(trace);
  if (lifted === undefined || lifted.outcome === "answered") return result;
  return {
    pass: false,
    message: `vacuous: without any NetworkPolicy the same probe is not answered either, but ${lifted.outcome}: ${lifted.message}`,
  };
}

function report(trace: Trace, result: CheckResult, wanted: string): MatcherResult {
  return { pass: result.pass, message: () => [`expected \`${trace.probe.run}\` from ${trace.probe.from} ${wanted}`, result.message, ...evidence(trace)].join("\n") };
}

/** The last steps, and the step that ended the probe with its owner and manifest line. */
function evidence(trace: Trace): readonly string[] {
  const last = stepsOf(trace)
    .slice(-5)
    .map(({ hop, step }) => `  ${hop.namespace}: ${step.text}`);
  const end = culprit(trace);
  if (end === undefined) return ["the last steps:", ...last];
  const origin = end.owner?.origin;
  const place = origin === undefined ? "" : ` at ${origin.file}:${origin.line}`;
  return ["the last steps:", ...last, `ended by: ${end.text}`, ...(end.owner ? [`  owner: ${formatOwner(end.owner)}${place}`] : [])];
}
