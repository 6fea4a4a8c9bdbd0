/** kubehop as a library: load a cluster, send probes through it, read traces. Runs in Node.js and in browsers. */
export type {
  Assumption,
  Cause,
  Choice,
  FieldChange,
  Flow,
  Hop,
  Origin,
  Outcome,
  Owner,
  PacketRecord,
  PacketTrace,
  PacketVerdict,
  StateChange,
  Step,
  Trace,
  TraceEvent,
} from "./trace/records.ts";
export type { CheckResult, OwnerPattern } from "./analysis/checks.ts";
export type { Cluster, ClusterSettings } from "./cluster/cluster.ts";
export type { ManifestSource } from "./cluster/load/load.ts";
export type { ClusterInput, InputOptions, InputProblems } from "./scenario/input.ts";
export type { ProbeOptions, RequestProblem } from "./scenario/probe.ts";
export type { Sender } from "./scenario/route-tester.ts";
export type { FlowReport, ScenarioReport } from "./scenario/run.ts";
export type { ParsedScenario } from "./scenario/parse.ts";
export {
  checkDroppedBy,
  checkGoesThrough,
  checkNatTo,
  checkOutcome,
  checkPreservesSource,
  checkReached,
  checkRejectedBy,
  culprit,
} from "./analysis/checks.ts";
export { packetAt } from "./trace/recorder.ts";
export { formatTrace } from "./trace/text.ts";
export { formatProblem } from "./scenario/problem-text.ts";
export { serviceVariables } from "./scenario/environment.ts";
export { loadInput } from "./scenario/input.ts";
export { isRequestProblem, namespacesOf, traceProbe, withPoliciesLifted } from "./scenario/probe.ts";
export type { ClusterState } from "./cluster/reconcile.ts";
export type { Family } from "./wire/address.ts";
export { kubeProxySections, nodeText, updatedStates } from "./scenario/node-state.ts";
export { RouteTester } from "./scenario/route-tester.ts";
export { looksLikeScenario, parseScenario } from "./scenario/parse.ts";
export { FileError, type ReadFile, resolvePath } from "./scenario/read-file.ts";
export { readScenarioInput, runScenarioText } from "./scenario/run.ts";
