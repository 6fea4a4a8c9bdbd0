import { Immer, type Patch, enablePatches } from "immer";
import { ownershipOf } from "./controllers/ownership.ts";
import type { PodMemory } from "./controllers/candidates.ts";
import { keyOfSlice, sameItems } from "./controllers/services.ts";
import { isLive } from "./controllers/workload-pods.ts";
import { objectKey } from "./load/load.ts";
import { inheritPlace } from "./load/origin.ts";
import type { EndpointSlice, KubernetesObject, Pod, Workload } from "./objects.ts";
import { type Problem, ProblemList, compareText, hasErrors } from "./problem.ts";
import { type ClusterState, reconcile } from "./reconcile.ts";
import { type Kind, type Store, type StoreDraft, carryLists, find, list, put, remove } from "./store.ts";

/** Names an object: `{kind: "Deployment", namespace: "shop", name: "web"}`; the namespace of a Node is "". */
export interface ObjectRef {
  readonly kind: Kind;
  readonly namespace: string;
  readonly name: string;
}

export type Edit =
  /** As `kubectl apply`: each object is added, or takes the place of the one with its name. */
  | { readonly kind: "apply"; readonly objects: readonly KubernetesObject[] }
  /**
   * As `kubectl delete`: with all that it owns, unless `cascade` is `orphan`; a controller makes a deleted pod anew.
   */
  | { readonly kind: "delete"; readonly target: ObjectRef; readonly cascade?: "orphan" }
  | { readonly kind: "scale"; readonly target: ObjectRef; readonly replicas: number }
  /** A pod's readiness, or that of all pods of a workload, whatever its status says. */
  | { readonly kind: "set-ready"; readonly target: ObjectRef; readonly ready: boolean };

export interface Edited {
  /** The state after the edit; the one before where there is an error. */
  readonly state: ClusterState;
  readonly problems: readonly Problem[];
  /** What changed in the store: paths of kind, namespace, bucket and name. */
  readonly patches: readonly Patch[];
  readonly inversePatches: readonly Patch[];
}

enablePatches();
// Freezing a cluster of 150,000 pods takes seconds; readonly types keep writers away.
const immer: Immer = new Immer({ autoFreeze: false });

/**
 * The cluster after an edit. The controllers run again; all that the edit does not touch stays the same object, pods
 * keep their nodes and addresses.
 */
export function applyEdit(before: ClusterState, edit: Edit): Edited {
  const problems = new ProblemList();
  const change = new Change(before, problems);
  change.make(edit);
  const prepared = problems.sorted();
  if (hasErrors(prepared)) return { state: before, problems: prepared, patches: [], inversePatches: [] };
  const first = change.apply(before.store);
  let state = reconcile({ ...change.start, store: first.store }, change.memory, problems);
  let { patches, inversePatches } = first;
  const stale = staleSlices(before, state, edit);
  if (stale.length > 0) {
    // The slice controller follows: slices read from the input were right for the pods of then.
    problems.clear();
    const second = edited(first.store, (draft) => {
      for (const slice of stale) remove(draft, slice);
    });
    state = reconcile({ ...change.start, store: second.store }, change.memory, problems);
    patches = [...patches, ...second.patches];
    inversePatches = [...second.inversePatches, ...inversePatches];
  }
  const found = problems.sorted();
  if (hasErrors(found)) return { state: before, problems: found, patches: [], inversePatches: [] };
  return { state, problems: found, patches, inversePatches };
}

interface StoreChange {
  readonly store: Store;
  readonly patches: readonly Patch[];
  readonly inversePatches: readonly Patch[];
}

function edited(store: Store, change: (draft: StoreDraft) => void): StoreChange {
  const [next, patches, inversePatches] = immer.produceWithPatches(store as StoreDraft, (draft) => {
    change(draft as StoreDraft);
  });
  carryLists(store, next);
  return { store: next, patches, inversePatches };
}

/** One edit in the making: objects to put and remove, and what goes beside the store. */
class Change {
  readonly #before: ClusterState;
  readonly #problems: ProblemList;
  readonly #puts: KubernetesObject[] = [];
  readonly #removes: KubernetesObject[] = [];
  readonly #forgotten = new Set<string>();
  #generations: ClusterState["generations"];
  #readiness: ClusterState["readiness"];

  constructor(before: ClusterState, problems: ProblemList) {
    this.#before = before;
    this.#problems = problems;
    this.#generations = before.generations;
    this.#readiness = before.readiness;
  }

  get start(): Pick<ClusterState, "generations" | "readiness" | "context"> {
    return { generations: this.#generations, readiness: this.#readiness, context: this.#before.context };
  }

  /** Deleted pods are forgotten, so that who comes next is somebody else. */
  get memory(): ClusterState["memory"] {
    const { memory } = this.#before;
    if (this.#forgotten.size === 0 || memory.pods === undefined) return memory;
    const { result } = memory.pods;
    const byId = new Map([...result.memory.byId].filter(([id]) => !this.#forgotten.has(id)));
    const forgetful = { ...result, memory: { ...result.memory, byId } };
    return { ...memory, pods: { ...memory.pods, inputs: [], result: forgetful } };
  }

  get #pods(): PodMemory["byId"] {
    return this.#before.memory.pods?.result.memory.byId ?? new Map();
  }

  apply(store: Store): StoreChange {
    return edited(store, (draft) => {
      for (const object of this.#removes) remove(draft, object);
      for (const object of this.#puts) put(draft, object);
    });
  }

  make(edit: Edit): void {
    switch (edit.kind) {
      case "apply":
        this.#puts.push(...edit.objects);
        return;
      case "delete":
        this.#delete(edit.target, edit.cascade === "orphan");
        return;
      case "scale":
        this.#scale(edit.target, edit.replicas);
        return;
      case "set-ready": {
        const { kind, namespace, name } = edit.target;
        const exists =
          kind === "Pod" ? this.#podId(namespace, name) !== undefined : this.#find(edit.target) !== undefined;
        if (exists) this.#readiness = { ...this.#readiness, [`${kind} ${namespace}/${name}`]: edit.ready };
        else this.#missing(edit.target);
      }
    }
  }

  #find({ kind, namespace, name }: ObjectRef): KubernetesObject | undefined {
    return find(this.#before.store, kind, namespace, name);
  }

  #missing({ kind, namespace, name }: ObjectRef): void {
    this.#problems.add("NO_SUCH_OBJECT", `there is no ${kind} ${namespace === "" ? name : `${namespace}/${name}`}`);
  }

  #podId(namespace: string, name: string): string | undefined {
    const prefix = `${namespace}/${name}#`;
    for (const id of this.#pods.keys()) if (id.startsWith(prefix)) return id;
    return undefined;
  }

  #delete(target: ObjectRef, isOrphaning: boolean): void {
    const { store, cluster } = this.#before;
    if (target.kind === "Pod") return this.#deletePod(target);
    const object = this.#find(target);
    const isImplied =
      target.kind === "Namespace" && cluster.namespaces.some(({ metadata }) => metadata.name === target.name);
    if (object === undefined && !isImplied) return this.#missing(target);
    if (object !== undefined) this.#removes.push(object);
    if (isOrphaning) return;
    if (target.kind === "Namespace") {
      for (const kind of Object.keys(store) as Kind[]) {
        this.#removes.push(...list(store, kind).filter(({ metadata }) => metadata.namespace === target.name));
      }
    } else if (target.kind === "Node") {
      this.#removePods(cluster.pods.filter((pod) => pod.spec.nodeName === target.name));
    } else if (target.kind === "Service") {
      // Slices that somebody made by hand stay: the garbage collector follows owners, not labels.
      const slices = list(store, "EndpointSlice").filter(({ metadata }) => isOwnedBy(metadata, target));
      // The endpoints controller deletes what has a deleted Service's name.
      const endpoints = find(store, "Endpoints", target.namespace, target.name);
      this.#removes.push(...slices, ...(endpoints ? [endpoints] : []));
    } else if (object !== undefined && isWorkload(object)) {
      const { workloads } = cluster;
      this.#removes.push(...ownershipOf(list(store, "Pod"), workloads).podsOf(object));
      const sets = list(store, "ReplicaSet").filter(({ metadata }) => isOwnedBy(metadata, target));
      this.#removes.push(...sets);
    }
  }

  #deletePod(target: ObjectRef): void {
    const id = this.#podId(target.namespace, target.name);
    const known = id === undefined ? undefined : this.#pods.get(id);
    if (known === undefined) this.#missing(target);
    else this.#removePods([known.pod]);
  }

  #removePods(pods: readonly Pod[]): void {
    for (const { metadata } of pods) {
      const id = this.#podId(metadata.namespace, metadata.name);
      if (id === undefined) continue;
      this.#forgotten.add(id);
      const slot = this.#pods.get(id)?.slot;
      const stated = find(this.#before.store, "Pod", metadata.namespace, metadata.name);
      if (stated !== undefined) this.#removes.push(stated);
      if (slot !== undefined) this.#generations = { ...this.#generations, [slot]: (this.#generations[slot] ?? 0) + 1 };
    }
  }

  #scale(target: ObjectRef, replicas: number): void {
    const object = this.#find(target);
    if (object === undefined) return this.#missing(target);
    if (!isScalable(object)) {
      this.#problems.add("NOT_SCALABLE", `${objectKey(object)} has no replicas`);
      return;
    }
    if (!Number.isInteger(replicas) || replicas < 0) {
      this.#problems.add("BAD_VALUE", `${replicas} replicas of ${objectKey(object)}`, {}, "Scale to 0 or more.");
      return;
    }
    this.#puts.push(inheritPlace({ ...object, spec: { ...object.spec, replicas } }, object));
    const owned = ownershipOf(list(this.#before.store, "Pod"), this.#before.cluster.workloads)
      .podsOf(object)
      .filter(isLive);
    this.#removePods(surplus(object, owned, replicas));
  }
}

function isWorkload(object: KubernetesObject): object is Workload {
  return "spec" in object && "template" in object.spec;
}

function isScalable(object: KubernetesObject): object is Workload {
  return ["Deployment", "ReplicaSet", "StatefulSet", "ReplicationController"].includes(object.kind);
}

function isOwnedBy(metadata: KubernetesObject["metadata"], { kind, namespace, name }: ObjectRef): boolean {
  const owners = metadata.ownerReferences ?? [];
  return metadata.namespace === namespace && owners.some((owner) => owner.kind === kind && owner.name === name);
}

/** The stated pods that go when a workload shrinks: a StatefulSet's last ones; else unready ones before ready ones. */
function surplus(workload: Workload, owned: readonly Pod[], replicas: number): readonly Pod[] {
  const ordinal = ({ metadata }: Pod): number => Number(metadata.name.slice(workload.metadata.name.length + 1));
  if (workload.kind === "StatefulSet")
    return owned.filter((pod) => ordinal(pod) >= replicas + (workload.spec.firstOrdinal ?? 0));
  const ranked = owned.toSorted(
    (a, b) => Number(b.status.ready) - Number(a.status.ready) || compareText(a.metadata.name, b.metadata.name),
  );
  return ranked.slice(replicas);
}

/** Stated slices of Services whose pods the edit changed, unless the edit itself states slices for them. */
function staleSlices(before: ClusterState, after: ClusterState, edit: Edit): readonly EndpointSlice[] {
  const stated = list(after.store, "EndpointSlice");
  if (stated.length === 0) return [];
  const applied = new Set<KubernetesObject>(edit.kind === "apply" ? edit.objects : []);
  const then = before.memory.slices?.result.selected;
  const changed = new Set<string>();
  for (const [key, { service, pods }] of after.memory.slices?.result.selected ?? []) {
    const earlier = then?.get(key);
    if (pods.length + (earlier?.pods.length ?? 0) === 0) continue;
    if (earlier?.service !== service || !sameItems(pods, earlier.pods)) changed.add(key);
  }
  if (changed.size === 0) return [];
  const withNew = new Set(stated.filter((slice) => applied.has(slice)).map(keyOfSlice));
  return stated.filter((slice) => changed.has(keyOfSlice(slice)) && !withNew.has(keyOfSlice(slice)));
}
