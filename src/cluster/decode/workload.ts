import type { LabelSelector, Workload, WorkloadKind } from "../objects.ts";
import { matches } from "../selector.ts";
import { readAnnotations, readMeta } from "./meta.ts";
import { readLabels } from "./names.ts";
import { readPodSpec } from "./pod.ts";
import type { Reader } from "./reader.ts";
import { everything, readSelector } from "./selector.ts";

const common = ["selector", "template", "minReadySeconds", "revisionHistoryLimit"];
const jobFields = [
  "activeDeadlineSeconds",
  "backoffLimit",
  "backoffLimitPerIndex",
  "completionMode",
  "completions",
  "managedBy",
  "manualSelector",
  "maxFailedIndexes",
  "parallelism",
  "podFailurePolicy",
  "podReplacementPolicy",
  "selector",
  "successPolicy",
  "suspend",
  "template",
  "ttlSecondsAfterFinished",
];
const specFields: Readonly<Record<WorkloadKind, ReadonlySet<string>>> = {
  Deployment: new Set([...common, "replicas", "strategy", "paused", "progressDeadlineSeconds"]),
  ReplicaSet: new Set([...common, "replicas"]),
  ReplicationController: new Set([...common, "replicas"]),
  StatefulSet: new Set([
    ...common,
    "replicas",
    "serviceName",
    "podManagementPolicy",
    "updateStrategy",
    "volumeClaimTemplates",
    "persistentVolumeClaimRetentionPolicy",
    "ordinals",
  ]),
  DaemonSet: new Set([...common, "updateStrategy"]),
  Job: new Set(jobFields),
  CronJob: new Set([
    "concurrencyPolicy",
    "failedJobsHistoryLimit",
    "jobTemplate",
    "schedule",
    "startingDeadlineSeconds",
    "successfulJobsHistoryLimit",
    "suspend",
    "timeZone",
  ]),
};

export function readWorkload(object: Reader, kind: WorkloadKind, namespace: string): Workload {
  const metadata = readMeta(object, "subdomain", namespace);
  const spec = object.objectOrEmpty("spec");
  spec.onlyFields(specFields[kind]);
  const podOwner = kind === "CronJob" ? spec.objectOrEmpty("jobTemplate").objectOrEmpty("spec") : spec;
  if (!podOwner.has("template")) podOwner.required("template");
  const template = podOwner.objectOrEmpty("template");
  const templateMeta = template.objectOrEmpty("metadata");
  const labels = readLabels(templateMeta, "labels");
  const serviceName = kind === "StatefulSet" ? spec.string("serviceName") : undefined;
  const firstOrdinal = kind === "StatefulSet" ? spec.object("ordinals")?.integer("start") : undefined;
  return {
    kind,
    metadata,
    spec: {
      replicas: isFinished(object) ? 0 : readReplicas(spec, kind),
      selector: readOwnSelector(spec, kind, labels),
      ...(serviceName !== undefined && serviceName !== "" && { serviceName }),
      ...(firstOrdinal !== undefined && { firstOrdinal }),
      template: {
        metadata: { labels, annotations: readAnnotations(templateMeta) },
        spec: readPodSpec(template.objectOrEmpty("spec")),
      },
    },
  };
}

/** A Job that is over has no pod to make. */
function isFinished(object: Reader): boolean {
  const conditions = object.objectOrEmpty("status").objects("conditions");
  const over = (type: unknown): boolean => type === "Complete" || type === "Failed";
  return (
    object.get("kind") === "Job" &&
    conditions.some((entry) => over(entry.get("type")) && entry.get("status") === "True")
  );
}

/** The number of pods wanted; a DaemonSet's follows from the nodes. A Job counts as one pod, a CronJob as none. */
function readReplicas(spec: Reader, kind: WorkloadKind): number {
  switch (kind) {
    case "DaemonSet":
    case "CronJob":
      return 0;
    case "Job":
      return spec.boolean("suspend") === true || spec.integer("parallelism") === 0 ? 0 : 1;
    case "Deployment":
    case "ReplicaSet":
    case "StatefulSet":
    case "ReplicationController": {
      const replicas = spec.integer("replicas") ?? 1;
      if (replicas < 0) spec.report("BAD_VALUE", "replicas", "must be greater than or equal to 0");
      return Math.max(replicas, 0);
    }
  }
}

/** pkg/apis/apps/validation (ValidateDeploymentSpec and its likes); a Job's selector is made by the API server. */
function readOwnSelector(spec: Reader, kind: WorkloadKind, labels: Readonly<Record<string, string>>): LabelSelector {
  if (kind === "Job" || kind === "CronJob") return everything;
  const plain = kind === "ReplicationController";
  if (plain && !spec.has("selector")) return { matchLabels: labels, matchExpressions: [] };
  if (!spec.has("selector")) {
    spec.required("selector");
    return everything;
  }
  const selector = plain
    ? { matchLabels: readLabels(spec, "selector"), matchExpressions: [] }
    : readSelector(spec.objectOrEmpty("selector"));
  if (!plain && Object.keys(selector.matchLabels).length + selector.matchExpressions.length === 0) {
    spec.report(
      "BAD_SELECTOR",
      "selector",
      "an empty selector is invalid for a workload",
      "Select the labels of the template.",
    );
  }
  if (!matches(selector, labels)) {
    spec.report("SELECTOR_MISMATCH", "selector", "the selector does not match the labels of the template");
  }
  return selector;
}
