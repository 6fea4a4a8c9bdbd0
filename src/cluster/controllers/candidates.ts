import type { Node, Pod, Workload } from "../objects.ts";
import { compareText } from "../problem.ts";
import { ownershipOf } from "./ownership.ts";
import { isEligibleForDaemon } from "./placement.ts";
import { type Generations, missingPods, slotKey } from "./workload-pods.ts";

/** A pod of the last run: what it was made from and what became of it. */
export interface Remembered {
  /** Stable as long as the pod lives: a StatefulSet's pod that was deleted comes back as another. */
  readonly id: string;
  /** What the pod was made from: its workload's template, or the stated pod itself. */
  readonly source: object;
  readonly wanted: Pod;
  readonly ready: boolean;
  readonly pod: Pod;
  /** The place in its workload that it fills, of a pod that a controller made. */
  readonly slot: string | undefined;
}

/** What the next run of the controllers knows of the one before: who had which node and address. */
export interface PodMemory {
  readonly byId: ReadonlyMap<string, Remembered>;
  /** The stated pods by themselves: 150,000 ids are not made and hashed again. */
  readonly byStated: ReadonlyMap<Pod, Remembered>;
  /** By node: the addresses that the IPAM gave last. */
  readonly last: ReadonlyMap<string, readonly string[]>;
}

export const noPodMemory: PodMemory = { byId: new Map(), byStated: new Map(), last: new Map() };

/** A pod on its way: where it comes from, what became of it in the last run, and the node that it is to go to. */
export interface Candidate {
  readonly id: string;
  readonly wanted: Pod;
  readonly before: Remembered | undefined;
  readonly maker: Workload | undefined;
  readonly slot: string | undefined;
  node: Node | undefined;
}

export interface CandidateInputs {
  readonly pods: readonly Pod[];
  readonly workloads: readonly Workload[];
  readonly nodes: readonly Node[];
  readonly generations: Generations;
}

/** The stated pods and those that workloads lack; the system's first, as they were there before everybody else. */
export function candidatesOf(inputs: CandidateInputs, memory: PodMemory): Candidate[] {
  const candidates = inputs.pods.map((wanted): Candidate => {
    const known = memory.byStated.get(wanted);
    const id = known?.id ?? idOf(wanted, 0);
    const before = known ?? memory.byId.get(id);
    return { id, wanted, before, maker: undefined, slot: undefined, node: undefined };
  });
  const ownership = ownershipOf(inputs.workloads.length === 0 ? [] : inputs.pods, inputs.workloads);
  for (const workload of inputs.workloads) {
    if (ownership.isManaged(workload)) continue;
    const { template } = workload.spec;
    const nodes =
      workload.kind === "DaemonSet" ? inputs.nodes.filter((node) => isEligibleForDaemon(template.spec, node)) : [];
    const owned = ownership.podsOf(workload);
    const missing = missingPods(workload, owned, nodes, inputs.generations, ownership.replicaSetOf(workload));
    for (const { pod, slot } of missing) {
      const key = slotKey(workload, slot);
      const id = idOf(pod, inputs.generations[key] ?? 0);
      const before = memory.byId.get(id);
      // The same pod as before, so that all that follows from it stays the same object.
      const wanted = before?.source === template ? before.wanted : pod;
      candidates.push({ id, wanted, before, maker: workload, slot: key, node: undefined });
    }
  }
  return candidates.toSorted((a, b) => systemFirst(a.wanted, b.wanted) || byNamespaceAndName(a.wanted, b.wanted));
}

function idOf({ metadata }: Pod, generation: number): string {
  return `${metadata.namespace}/${metadata.name}#${generation}`;
}

function systemFirst(a: Pod, b: Pod): number {
  return Number(b.metadata.namespace === "kube-system") - Number(a.metadata.namespace === "kube-system");
}

type Named = { readonly metadata: Pod["metadata"] };

export function byNamespaceAndName(a: Named, b: Named): number {
  return compareText(a.metadata.namespace, b.metadata.namespace) || compareText(a.metadata.name, b.metadata.name);
}
