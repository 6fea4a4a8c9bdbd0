import type { Outcome, Owner, RuleStep, Step, Trace } from "../trace/records.ts";
import { allSteps, placesOf, stepsOf } from "./places.ts";

/** The answer of a check: whether it holds, and one sentence that says what was seen instead. */
export interface CheckResult {
  readonly pass: boolean;
  readonly message: string;
}

/** What a scenario or a test may ask of an owner: any subset. Names may end in `*`. */
export interface OwnerPattern {
  readonly kind?: string;
  readonly namespace?: string;
  readonly name?: string;
}

/** `*` at either end stands for any text. */
export function matchesPattern(pattern: string, text: string): boolean {
  const escaped = pattern.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*");
  return new RegExp(`^${escaped}$`, "s").test(text);
}

export function checkOutcome(trace: Trace, expected: Outcome): CheckResult {
  return { pass: trace.outcome === expected, message: `expected ${expected}, saw ${trace.outcome}: ${trace.message}` };
}

/** The probe was answered, and by one of these namespaces (`shop/web-0`). */
export function checkReached(trace: Trace, namespaces: readonly string[]): CheckResult {
  const answered = trace.outcome === "answered";
  const by = trace.answeredBy ?? "nobody";
  const pass = answered && namespaces.includes(by);
  const message = answered
    ? `answered by ${by}, expected ${namespaces.join(" or ") || "nobody"}`
    : `expected an answer of ${namespaces.join(" or ") || "nobody"}, saw ${trace.outcome}: ${trace.message}`;
  return { pass, message };
}

/** The outgoing packets visited all these places (namespace, node, device, table, chain, set, target) in this order. */
export function checkGoesThrough(trace: Trace, places: readonly string[]): CheckResult {
  const visited = placesOf(trace);
  let at = 0;
  for (const place of places) {
    const found = visited.indexOf(place, at);
    if (found < 0) {
      const was = visited.includes(place)
        ? `was not visited after ${places[places.indexOf(place) - 1]}`
        : "was never visited";
      return {
        pass: false,
        message: `${place} ${was}; the packets visited ${distinct(visited).join(", ")}`,
      };
    }
    at = found;
  }
  return { pass: true, message: `the packets visited ${places.join(", then ")}` };
}

function distinct(names: readonly string[]): readonly string[] {
  return [...new Set(names)];
}

/** A destination was rewritten to this; `*` is a wildcard: `*:8080`. */
export function checkNatTo(trace: Trace, pattern: string): CheckResult {
  const targets = stepsOf(trace).flatMap(({ step }) =>
    step.kind === "nat" && step.manip === "dst" && step.to !== undefined ? [step.to] : [],
  );
  const pass = targets.some((target) => matchesPattern(pattern, target));
  const seen = targets.length === 0 ? "no destination was rewritten" : `rewritten to ${distinct(targets).join(", ")}`;
  return { pass, message: `expected a destination rewritten to ${pattern}, saw: ${seen}` };
}

/** The server saw the client's own address. */
export function checkPreservesSource(trace: Trace): CheckResult {
  const rewritten = stepsOf(trace).find(
    ({ step, packet }) => step.kind === "nat" && step.manip === "src" && packet.direction === "original",
  );
  const nat = rewritten?.step.kind === "nat" ? `${rewritten.step.from} became ${rewritten.step.to}` : "";
  return {
    pass: trace.outcome === "answered" && rewritten === undefined,
    message: nat === "" ? trace.message : `the source was rewritten: ${nat}`,
  };
}

/** The step that ended the probe's packets: a rule that drops or rejects, or else a drop or a refusing socket. */
export function culprit(trace: Trace): Step | undefined {
  const steps = allSteps(trace);
  return (
    steps.findLast(
      (step) => step.kind === "rule" && step.matched && (isTarget(step, "DROP") || isTarget(step, "REJECT")),
    ) ?? steps.findLast((step) => step.kind === "drop" || (step.kind === "socket" && step.action === "refuse"))
  );
}

function isTarget(step: RuleStep, target: string): boolean {
  return step.target?.split(" ")[0] === target;
}

/** A rule of this owner dropped the packet in silence. */
export function checkDroppedBy(trace: Trace, owner: OwnerPattern): CheckResult {
  return checkEndedBy(trace, "DROP", owner);
}

/** A rule of this owner rejected the packet with an answer. */
export function checkRejectedBy(trace: Trace, owner: OwnerPattern): CheckResult {
  return checkEndedBy(trace, "REJECT", owner);
}

function checkEndedBy(trace: Trace, target: "DROP" | "REJECT", pattern: OwnerPattern): CheckResult {
  const rules = allSteps(trace).filter(
    (step) => step.kind === "rule" && step.matched && isTarget(step, target),
  ) as RuleStep[];
  const pass =
    trace.outcome !== "answered" && rules.some((rule) => rule.owner !== undefined && ownerMatches(rule.owner, pattern));
  const seen =
    rules.length === 0
      ? `no ${target} rule matched`
      : rules.map((rule) => `${rule.chain} rule ${rule.rule} of ${formatOwner(rule.owner)}`).join("; ");
  return { pass, message: `expected a ${target} by ${formatPattern(pattern)}, saw ${trace.outcome}: ${seen}` };
}

/** Policies that share one rule are listed in its detail: `NetworkPolicy shop/deny-all, shop/web`. */
function ownerMatches(owner: Owner, pattern: OwnerPattern): boolean {
  const matches = (wanted: string | undefined, value: string | undefined): boolean =>
    wanted === undefined || matchesPattern(wanted, value ?? "");
  if (
    matches(pattern.kind, owner.kind) &&
    matches(pattern.namespace, owner.namespace) &&
    matches(pattern.name, owner.name)
  )
    return true;
  return (
    pattern.name !== undefined &&
    (owner.detail ?? "").split(/[\s,]+/).some((word) => word === pattern.name || word.endsWith(`/${pattern.name}`))
  );
}

export function formatOwner(owner: Owner | undefined): string {
  if (owner === undefined) return "nobody named";
  const name = owner.namespace === undefined ? owner.name : `${owner.namespace}/${owner.name}`;
  return `${owner.kind} ${name}${owner.detail === undefined ? "" : ` (${owner.detail})`}`;
}

function formatPattern(pattern: OwnerPattern): string {
  return `${pattern.kind ?? "any"} ${pattern.namespace === undefined ? "" : `${pattern.namespace}/`}${pattern.name ?? "*"}`;
}
