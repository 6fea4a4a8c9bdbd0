import { append } from "../group.ts";
import type { Pod, Workload } from "../objects.ts";
import { matches } from "../selector.ts";

/** Which stated pods belong to which workload, so that controllers make only those that are missing. */
export interface Ownership {
  podsOf(workload: Workload): readonly Pod[];
  /** The ReplicaSet that the input states for a Deployment: the one with most replicas. */
  replicaSetOf(deployment: Workload): string | undefined;
  /** Whether another stated workload makes this one's pods: a ReplicaSet of a stated Deployment. */
  isManaged(workload: Workload): boolean;
}

const keyOf = (kind: string, namespace: string, name: string): string => `${kind} ${namespace}/${name}`;

export function ownershipOf(pods: readonly Pod[], workloads: readonly Workload[]): Ownership {
  const stated = new Set(workloads.map(({ kind, metadata }) => keyOf(kind, metadata.namespace, metadata.name)));
  const replicaSets = new Map<string, Workload[]>();
  const managed = new Set<Workload>();
  for (const workload of workloads) {
    const owner = deploymentOf(workload);
    if (owner === undefined || !stated.has(owner)) continue;
    managed.add(workload);
    append(replicaSets, owner, workload);
  }
  const owned = new Map<string, Pod[]>();
  const orphans = new Map<string, Pod[]>();
  for (const pod of pods) {
    const owners = ownersOf(pod);
    for (const owner of owners) append(owned, owner, pod);
    if (owners.length === 0) append(orphans, pod.metadata.namespace, pod);
  }
  const replicaSetOf = (deployment: Workload): Workload | undefined =>
    replicaSets
      .get(keyOf(deployment.kind, deployment.metadata.namespace, deployment.metadata.name))
      ?.reduce((best, next) => (next.spec.replicas > best.spec.replicas ? next : best));
  return {
    podsOf({ kind, metadata, spec }) {
      const known = owned.get(keyOf(kind, metadata.namespace, metadata.name)) ?? [];
      if (kind === "Deployment" || kind === "Job" || kind === "CronJob") return known;
      const adopted = (orphans.get(metadata.namespace) ?? []).filter((pod) =>
        matches(spec.selector, pod.metadata.labels),
      );
      return adopted.length === 0 ? known : [...known, ...adopted];
    },
    replicaSetOf: (deployment) => replicaSetOf(deployment)?.metadata.name,
    isManaged: (workload) => managed.has(workload),
  };
}

function deploymentOf({ kind, metadata }: Workload): string | undefined {
  if (kind !== "ReplicaSet") return undefined;
  const owner = metadata.ownerReferences?.find((reference) => reference.kind === "Deployment");
  return owner && keyOf("Deployment", metadata.namespace, owner.name);
}

/** A Deployment's pod names its ReplicaSet alone: the Deployment's name is what stands before the template's hash. */
function ownersOf({ metadata }: Pod): string[] {
  const owners = (metadata.ownerReferences ?? []).map(({ kind, name }) => keyOf(kind, metadata.namespace, name));
  const hash = metadata.labels["pod-template-hash"];
  const ending = hash === undefined ? -1 : metadata.name.lastIndexOf(`-${hash}-`);
  if (ending > 0) owners.push(keyOf("Deployment", metadata.namespace, metadata.name.slice(0, ending)));
  return owners;
}
