import {
  type CheckResult,
  type OwnerPattern,
  checkDroppedBy,
  checkGoesThrough,
  checkNatTo,
  checkPreservesSource,
  checkReached,
  checkRejectedBy,
} from "../analysis/checks.ts";
import { type Trace, namespacesOf, withPoliciesLifted } from "../index.ts";
import { evidence } from "./evidence.ts";

/** What vitest's expect.extend takes: the verdict and the text of a failure. */
export interface MatcherResult {
  readonly pass: boolean;
  readonly message: () => string;
}

/** A matcher as vitest calls it: `this` says whether the test says `.not`. */
export type Matcher<Args extends readonly unknown[]> = (
  this: { readonly isNot: boolean },
  trace: Trace,
  ...args: Args
) => MatcherResult;

/** What a matcher says of a trace. */
interface Claim extends CheckResult {
  /** How a failure names it: `to reach deploy/web`. */
  readonly wanted: string;
  /** The claim is that policies deny the probe, which the probe without policies must confirm. */
  readonly denial?: boolean;
}

/** The probe was answered by this pod or by a pod of this workload. Throws when the workload has no pods. */
export const toReach: Matcher<[who: string]> = matcher((trace, who) => {
  const namespaces = namespacesOf(trace, who);
  if (namespaces.length === 0) throw new Error(`${who} has no pods, so nothing can be said about reaching it`);
  return { ...checkReached(trace, namespaces), wanted: `to reach ${who}` };
});

/** The probe was refused by an answer: a reset, or an ICMP error. With a pattern: by a rule of that owner. */
export const toBeRejected: Matcher<[by?: OwnerPattern]> = matcher((trace, by) => {
  if (by !== undefined) return { ...checkRejectedBy(trace, by), ...denialBy(by, "rejected") };
  const pass = ["refused", "reset", "unreachable"].includes(trace.outcome);
  const message = `expected an answer that refuses, saw ${trace.outcome}: ${trace.message}`;
  return { pass, message, wanted: "to be rejected", denial: true };
});

/** A rule of this owner dropped or rejected the probe. */
export const toBeDroppedBy: Matcher<[by: OwnerPattern]> = matcher((trace, by) => {
  const results = [checkDroppedBy(trace, by), checkRejectedBy(trace, by)];
  const pass = results.some((result) => result.pass);
  return { pass, message: results.map(({ message }) => message).join("\n"), ...denialBy(by, "dropped") };
});

/** The outgoing packets visited these places in this order: namespaces, nodes, devices, tables, chains, sets, targets. */
export const toGoThrough: Matcher<readonly string[]> = matcher((trace, ...places) => ({
  ...checkGoesThrough(trace, places),
  wanted: `to go through ${places.join(", ")}`,
}));

/** The destination was rewritten to this address and port; `*` is a wildcard. */
export const toBeNatedTo: Matcher<[pattern: string]> = matcher((trace, pattern) => ({
  ...checkNatTo(trace, pattern),
  wanted: `to be rewritten to ${pattern}`,
}));

/** The server saw the client's own address. */
export const toPreserveSourceIP: Matcher<[]> = matcher((trace) => ({
  ...checkPreservesSource(trace),
  wanted: "to preserve the source address",
}));

/** A pattern that names another kind of owner (a Service without endpoints) claims nothing about policies. */
function denialBy({ kind, namespace, name }: OwnerPattern, ended: string): Pick<Claim, "wanted" | "denial"> {
  const path = [namespace, name].filter((part) => part !== undefined).join("/");
  const owner = [kind ?? "any owner", path].filter((part) => part !== "").join(" ");
  return { wanted: `to be ${ended} by ${owner}`, denial: kind === undefined || kind === "NetworkPolicy" };
}

function matcher<Args extends readonly unknown[]>(claimOf: (trace: Trace, ...args: Args) => Claim): Matcher<Args> {
  return function (trace, ...args) {
    const { isNot } = this;
    const claim = claimOf(trace, ...args);
    const { pass, message } = isNot ? withKnownOutcome(trace, claim) : withControl(trace, claim);
    const title = `expected \`${trace.probe.run}\` from ${trace.probe.from} ${isNot ? "not " : ""}${claim.wanted}`;
    return { pass, message: () => [title, message, ...evidence(trace)].join("\n") };
  };
}

/** That something did not happen is not proven by an outcome that is unknown: `.not` must fail. */
function withKnownOutcome(trace: Trace, claim: Claim): CheckResult {
  if (trace.outcome !== "unknown") return claim;
  return { pass: true, message: `nothing is proven, the outcome is unknown: ${trace.message}` };
}

/**
 * A denied probe proves something only if it would be answered otherwise: where policies are at work the same
 * probe is run with all of them lifted, and must be answered.
 */
function withControl(trace: Trace, claim: Claim): CheckResult {
  const lifted = claim.pass && claim.denial === true ? withPoliciesLifted(trace) : undefined;
  if (lifted === undefined || lifted.outcome === "answered") return claim;
  return {
    pass: false,
    message: `vacuous: without any NetworkPolicy the same probe is not answered either, but ${lifted.outcome}: ${lifted.message}`,
  };
}
