import { readyAnnotation } from "../decode/pod.ts";
import type { Node, ObjectMeta, Pod, Workload } from "../objects.ts";
import { suffix, templateHash } from "./random-names.ts";

/** A pod as a controller makes it: without address, on a node only where the controller or the template says so. */
export interface WantedPod {
  readonly pod: Pod;
  /** The place among the workload's pods that it fills: `0`, or a DaemonSet's node. */
  readonly slot: string;
}

/** How often the pod of a slot was deleted and made anew. */
export type Generations = Readonly<Record<string, number>>;

export function slotKey(workload: Workload, slot: string): string {
  return `${workload.kind} ${workload.metadata.namespace}/${workload.metadata.name} ${slot}`;
}

/** The controller of the pods: a Deployment's are owned by a ReplicaSet. */
interface PodOwner {
  readonly kind: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * The pods that are missing of a workload: the input states `owned` of them. `nodes` are those that a DaemonSet may
 * use; `replicaSet` is the name of the ReplicaSet that the input states for a Deployment.
 */
export function missingPods(
  workload: Workload,
  owned: readonly Pod[],
  nodes: readonly Node[],
  generations: Generations,
  replicaSet: string | undefined,
): WantedPod[] {
  const owner = podOwner(workload, replicaSet);
  const make = (slot: string, name: (nonce: string) => string, extra: Partial<Pod["spec"]> = {}): WantedPod => {
    const generation = generations[slotKey(workload, slot)] ?? 0;
    const nonce = suffix(`${workload.metadata.namespace}/${owner.name}/${slot}/${generation}`);
    return { slot, pod: podOf(workload, owner, name(nonce), extra) };
  };
  const numbered = (nonce: string): string => `${owner.name}-${nonce}`;
  switch (workload.kind) {
    case "Deployment":
    case "ReplicaSet":
    case "ReplicationController":
    case "Job": {
      const missing = Math.max(0, workload.spec.replicas - owned.filter(isLive).length);
      return Array.from({ length: missing }, (_, index) => make(String(index), numbered));
    }
    case "StatefulSet": {
      const names = new Set(owned.map((pod) => pod.metadata.name));
      const first = workload.spec.firstOrdinal ?? 0;
      const ordinals = Array.from({ length: workload.spec.replicas }, (_, index) => first + index);
      const { serviceName } = workload.spec;
      return ordinals.flatMap((ordinal) => {
        const name = `${workload.metadata.name}-${ordinal}`;
        // pkg/controller/statefulset (initIdentity): the pod's DNS name comes from these two.
        const identity = { hostname: name, ...(serviceName !== undefined && { subdomain: serviceName }) };
        return names.has(name) ? [] : [make(String(ordinal), () => name, identity)];
      });
    }
    case "DaemonSet": {
      const served = new Set(owned.filter(isLive).map((pod) => pod.spec.nodeName));
      return nodes.flatMap(({ metadata: { name } }) =>
        served.has(name) ? [] : [make(name, numbered, { nodeName: name })],
      );
    }
    case "CronJob":
      return [];
  }
}

function podOwner(workload: Workload, replicaSet: string | undefined): PodOwner {
  const { kind, metadata, spec } = workload;
  if (kind === "Deployment") {
    const hash = replicaSet?.startsWith(`${metadata.name}-`)
      ? replicaSet.slice(metadata.name.length + 1)
      : templateHash(JSON.stringify(spec.template));
    const name = replicaSet ?? `${metadata.name}-${hash}`;
    return { kind: "ReplicaSet", name, labels: { "pod-template-hash": hash } };
  }
  if (kind === "Job")
    return {
      kind,
      name: metadata.name,
      labels: { "batch.kubernetes.io/job-name": metadata.name, "job-name": metadata.name },
    };
  return { kind, name: metadata.name, labels: {} };
}

/** Neither finished nor on its way out: what a controller counts. */
export function isLive(pod: Pod): boolean {
  return (
    pod.metadata.deletionTimestamp === undefined && pod.status.phase !== "Succeeded" && pod.status.phase !== "Failed"
  );
}

function podOf(workload: Workload, owner: PodOwner, name: string, extra: Partial<Pod["spec"]>): Pod {
  const { template } = workload.spec;
  const ordinal = workload.kind === "StatefulSet" ? { "statefulset.kubernetes.io/pod-name": name } : {};
  const metadata: ObjectMeta = {
    name,
    namespace: workload.metadata.namespace,
    labels: { ...template.metadata.labels, ...owner.labels, ...ordinal },
    annotations: template.metadata.annotations,
    ownerReferences: [{ kind: owner.kind, name: owner.name }],
  };
  const ready = template.metadata.annotations[readyAnnotation] !== "false";
  return {
    kind: "Pod",
    metadata,
    spec: { ...template.spec, ...extra },
    status: { phase: "Running", podIPs: [], ready },
  };
}
