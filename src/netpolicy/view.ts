import type { Cluster } from "../cluster/cluster.ts";
import type { NetworkPolicy, Pod } from "../cluster/objects.ts";
import { matches } from "../cluster/selector.ts";

/** The part of a Cluster that policies are about. */
export type PolicyView = Pick<Cluster, "nodes" | "namespaces" | "pods" | "networkPolicies">;

export type Direction = "Ingress" | "Egress";
type Labels = Readonly<Record<string, string>>;

interface Index {
  readonly policies: ReadonlyMap<string, readonly NetworkPolicy[]>;
  readonly pods: ReadonlyMap<string, readonly Pod[]>;
  readonly namespaceLabels: ReadonlyMap<string, Labels>;
  readonly isolating: Map<Pod, Readonly<Record<Direction, readonly NetworkPolicy[]>>>;
}

const indexes = new WeakMap<PolicyView, Index>();

function indexOf(view: PolicyView): Index {
  const known = indexes.get(view);
  if (known !== undefined) return known;
  const index: Index = {
    policies: byNamespace(view.networkPolicies),
    pods: byNamespace(view.pods.filter(isPolicySubject)),
    namespaceLabels: new Map(view.namespaces.map(({ metadata }) => [metadata.name, metadata.labels])),
    isolating: new Map(),
  };
  indexes.set(view, index);
  return index;
}

function byNamespace<T extends NetworkPolicy | Pod>(objects: readonly T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const object of objects) {
    const group = groups.get(object.metadata.namespace);
    if (group === undefined) groups.set(object.metadata.namespace, [object]);
    else group.push(object);
  }
  return groups;
}

/** The pods that policies can select, by namespace. */
export function subjectsByNamespace(view: PolicyView): ReadonlyMap<string, readonly Pod[]> {
  return indexOf(view).pods;
}

/**
 * The labels of a namespace. The API server gives every namespace its name as a label (KEP-2161), so one that the
 * input does not state has that one.
 */
export function namespaceLabels(view: PolicyView, name: string): Labels {
  const stated = indexOf(view).namespaceLabels.get(name);
  return { ...stated, "kubernetes.io/metadata.name": name };
}

/** Policies act on pods with an address of their own; a finished pod has given it back. */
export function isPolicySubject(pod: Pod): boolean {
  return !pod.spec.hostNetwork && pod.status.phase !== "Succeeded" && pod.status.phase !== "Failed";
}

/** Whether `spec.podSelector` selects the pod: it acts in the policy's own namespace only. */
export function selects(policy: NetworkPolicy, pod: Pod): boolean {
  return (
    policy.metadata.namespace === pod.metadata.namespace &&
    isPolicySubject(pod) &&
    matches(policy.spec.podSelector, pod.metadata.labels)
  );
}

/** The policies that isolate a pod in a direction; none means that all traffic of that direction is allowed. */
export function isolating(view: PolicyView, pod: Pod, direction: Direction): readonly NetworkPolicy[] {
  const index = indexOf(view);
  let known = index.isolating.get(pod);
  if (known === undefined) {
    const selecting = (index.policies.get(pod.metadata.namespace) ?? []).filter((policy) => selects(policy, pod));
    const of = (wanted: Direction): readonly NetworkPolicy[] =>
      selecting.filter((policy) => policy.spec.policyTypes.includes(wanted));
    known = { Ingress: of("Ingress"), Egress: of("Egress") };
    index.isolating.set(pod, known);
  }
  return known[direction];
}
