import type { Node, PodSpec, Toleration } from "../objects.ts";
import { matchesLabels } from "../selector.ts";

type Taint = NonNullable<Node["spec"]["taints"]>[number];

/** Whether the scheduler's filters let the pod onto the node: nodeSelector, cordon and taints. */
export function isEligible(spec: PodSpec, node: Node): boolean {
  return (
    node.spec.unschedulable !== true &&
    matchesLabels(spec.nodeSelector ?? {}, node.metadata.labels) &&
    (node.spec.taints ?? []).every((taint) => toleratesTaint(spec.tolerations ?? [], taint))
  );
}

/** DaemonSet pods stay on cordoned and troubled nodes: pkg/controller/daemon/util (AddOrUpdateDaemonPodTolerations). */
const daemonTolerates: ReadonlySet<string> = new Set([
  "node.kubernetes.io/not-ready",
  "node.kubernetes.io/unreachable",
  "node.kubernetes.io/disk-pressure",
  "node.kubernetes.io/memory-pressure",
  "node.kubernetes.io/pid-pressure",
  "node.kubernetes.io/unschedulable",
]);

export function isEligibleForDaemon(spec: PodSpec, node: Node): boolean {
  const others = (node.spec.taints ?? []).filter(
    ({ key }) => !daemonTolerates.has(key) && !(spec.hostNetwork && key === "node.kubernetes.io/network-unavailable"),
  );
  return (
    matchesLabels(spec.nodeSelector ?? {}, node.metadata.labels) &&
    others.every((taint) => toleratesTaint(spec.tolerations ?? [], taint))
  );
}

/** Toleration.ToleratesTaint, staging k8s.io/component-helpers; PreferNoSchedule keeps nobody away. */
function toleratesTaint(tolerations: readonly Toleration[], taint: Taint): boolean {
  return (
    taint.effect === "PreferNoSchedule" ||
    tolerations.some(
      ({ key, operator, value, effect }) =>
        (key === "" ? operator === "Exists" : key === taint.key) &&
        (effect === "" || effect === taint.effect) &&
        (operator === "Exists" || value === (taint.value ?? "")),
    )
  );
}

/** Chooses nodes as the scheduler's spreading does: fewest pods of the same workload, then fewest pods, then by order. */
export class Placement {
  readonly #nodes: readonly Node[];
  readonly #pods = new Map<string, number>();

  constructor(nodes: readonly Node[]) {
    this.#nodes = nodes;
  }

  add(nodeName: string): void {
    this.#pods.set(nodeName, (this.#pods.get(nodeName) ?? 0) + 1);
  }

  /** The node for a pod whose workload has so many pods already by node; undefined when no node may take it. */
  choose(spec: PodSpec, siblings: ReadonlyMap<string, number>): Node | undefined {
    let best: Node | undefined;
    let bestSiblings = Infinity;
    let bestPods = Infinity;
    for (const node of this.#nodes) {
      const { name } = node.metadata;
      const own = siblings.get(name) ?? 0;
      const all = this.#pods.get(name) ?? 0;
      if ((own < bestSiblings || (own === bestSiblings && all < bestPods)) && isEligible(spec, node)) {
        [best, bestSiblings, bestPods] = [node, own, all];
      }
    }
    return best;
  }
}
