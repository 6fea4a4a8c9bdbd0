import type { Assumptions } from "../assumptions.ts";
import { nearest } from "../decode/nearest.ts";
import type { AllocatePodIPs } from "../ipam.ts";
import { inheritPlace, originOf, setMaker } from "../load/origin.ts";
import type { Node, Pod, Workload } from "../objects.ts";
import { type ProblemList, compareText } from "../problem.ts";
import { internalIPs, nodeOfAddress } from "./nodes.ts";
import { ownershipOf } from "./ownership.ts";
import { Placement, isEligibleForDaemon } from "./placement.ts";
import { type Generations, missingPods, slotKey } from "./workload-pods.ts";

/** What the next run of the controllers knows of the one before: who had which node and address. */
export interface PodMemory {
  readonly pods: ReadonlyMap<string, Remembered>;
  /** The id of each stated pod: 150,000 texts are not made and hashed again. */
  readonly stated: ReadonlyMap<Pod, string>;
  /** By node: the addresses that the IPAM gave last. */
  readonly last: ReadonlyMap<string, readonly string[]>;
}

/** A pod of the last run, by its id. */
export interface Remembered {
  /** What the pod was made from: its workload's template, or the stated pod itself. */
  readonly source: object;
  readonly wanted: Pod;
  readonly ready: boolean;
  readonly pod: Pod;
  /** The place in its workload that it fills, of a pod that a controller made. */
  readonly slot: string | undefined;
}

export const noPodMemory: PodMemory = { pods: new Map(), stated: new Map(), last: new Map() };

/** `set-ready` edits: by pod or workload, `Pod shop/web-0`. */
export type Readiness = Readonly<Record<string, boolean>>;

export interface PodInputs {
  readonly pods: readonly Pod[];
  readonly workloads: readonly Workload[];
  readonly nodes: readonly Node[];
  readonly generations: Generations;
  readonly readiness: Readiness;
  readonly allocatePodIPs: AllocatePodIPs;
}

/** A pod on its way: where it comes from and what it is to become. */
interface Candidate {
  readonly wanted: Pod;
  /** Stable as long as the pod lives: a StatefulSet's pod that was deleted comes back as another. */
  readonly id: string;
  readonly maker: Workload | undefined;
  readonly slot: string | undefined;
}

export interface PodRun {
  /** Sorted by namespace and name. */
  readonly pods: readonly Pod[];
  readonly memory: PodMemory;
}

/** Every pod of the cluster, with a node, addresses and readiness; and what the next run must know. */
export function runPods(inputs: PodInputs, memory: PodMemory, problems: ProblemList, assumptions: Assumptions): PodRun {
  const candidates = candidatesOf(inputs, memory);
  const nodes = new Map(inputs.nodes.map((node) => [node.metadata.name, node]));
  const places = placeAll(candidates, inputs, nodes, memory, problems, assumptions);
  const taken = new Set<string>();
  for (const { wanted, id } of candidates) {
    for (const ip of wanted.status.podIPs) taken.add(ip);
    for (const ip of memory.pods.get(id)?.pod.status.podIPs ?? []) taken.add(ip);
  }
  const stated = new Map<Pod, string>();
  for (const { wanted, id, maker } of candidates) if (maker === undefined) stated.set(wanted, id);
  const last = new Map(memory.last);
  const remembered = new Map<string, Remembered>();
  const pods = candidates.map(({ wanted, id, maker, slot }): Pod => {
    const before = memory.pods.get(id);
    const ready =
      inputs.readiness[`Pod ${wanted.metadata.namespace}/${wanted.metadata.name}`] ??
      (maker && inputs.readiness[workloadKey(maker)]) ??
      wanted.status.ready;
    const node = nodes.get(places.get(id) ?? "");
    if (
      before !== undefined &&
      before.wanted === wanted &&
      before.ready === ready &&
      before.pod.spec.nodeName === node?.metadata.name
    ) {
      remembered.set(id, before);
      return before.pod;
    }
    const podIPs = addressesOf(wanted, node, before, inputs.allocatePodIPs, taken, last, problems, assumptions);
    const pod = finished(wanted, node, podIPs, ready);
    if (maker === undefined) inheritPlace(pod, wanted);
    else setMaker(pod, maker, ["spec", "template"]);
    remembered.set(id, { source: maker?.spec.template ?? wanted, wanted, ready, pod, slot });
    return pod;
  });
  return { pods: pods.toSorted(byNamespaceAndName), memory: { pods: remembered, stated, last } };
}

export function workloadKey({ kind, metadata }: Workload): string {
  return `${kind} ${metadata.namespace}/${metadata.name}`;
}

export function byNamespaceAndName(
  a: { readonly metadata: Pod["metadata"] },
  b: { readonly metadata: Pod["metadata"] },
): number {
  return compareText(a.metadata.namespace, b.metadata.namespace) || compareText(a.metadata.name, b.metadata.name);
}

/** The system's pods first, as they were there before everybody else, then by namespace and name. */
function candidatesOf(inputs: PodInputs, memory: PodMemory): Candidate[] {
  const ownership = ownershipOf(inputs.pods, inputs.workloads);
  const candidates: Candidate[] = inputs.pods.map((wanted) => ({
    wanted,
    id: idOf(wanted, 0),
    maker: undefined,
    slot: undefined,
  }));
  for (const workload of inputs.workloads) {
    if (ownership.isManaged(workload)) continue;
    const eligible =
      workload.kind === "DaemonSet"
        ? inputs.nodes.filter((node) => isEligibleForDaemon(workload.spec.template.spec, node))
        : [];
    const owned = ownership.podsOf(workload);
    for (const { pod, slot } of missingPods(
      workload,
      owned,
      eligible,
      inputs.generations,
      ownership.replicaSetOf(workload),
    )) {
      const key = slotKey(workload, slot);
      const id = idOf(pod, inputs.generations[key] ?? 0);
      const before = memory.pods.get(id);
      // The same pod as before, so that all that follows from it stays the same object.
      const wanted = before?.source === workload.spec.template ? before.wanted : pod;
      candidates.push({ wanted, id, maker: workload, slot: key });
    }
  }
  return candidates.toSorted((a, b) => systemFirst(a.wanted, b.wanted) || byNamespaceAndName(a.wanted, b.wanted));
}

function systemFirst(a: Pod, b: Pod): number {
  return Number(b.metadata.namespace === "kube-system") - Number(a.metadata.namespace === "kube-system");
}

function idOf({ metadata }: Pod, generation: number): string {
  return `${metadata.namespace}/${metadata.name}#${generation}`;
}

/** The node's name of every pod, by the pod's id. */
function placeAll(
  candidates: readonly Candidate[],
  inputs: PodInputs,
  nodes: ReadonlyMap<string, Node>,
  memory: PodMemory,
  problems: ProblemList,
  assumptions: Assumptions,
): ReadonlyMap<string, string> {
  const places = new Map<string, string>();
  const placement = new Placement(inputs.nodes);
  const siblings = new Map<Workload, Map<string, number>>();
  const settle = ({ id, maker }: Candidate, name: string): void => {
    places.set(id, name);
    placement.add(name);
    if (maker === undefined) return;
    const counts = siblings.get(maker) ?? new Map<string, number>();
    siblings.set(maker, counts.set(name, (counts.get(name) ?? 0) + 1));
  };
  const open: Candidate[] = [];
  for (const candidate of candidates) {
    const name = knownNode(candidate, inputs.nodes, nodes, memory, problems);
    if (name === undefined) open.push(candidate);
    else settle(candidate, name);
  }
  for (const candidate of open) {
    const { wanted, maker } = candidate;
    if (wanted.status.phase !== "Running") continue;
    const node = placement.choose(wanted.spec, (maker && siblings.get(maker)) ?? new Map());
    if (node === undefined) report(problems, "UNSCHEDULABLE", candidate, ["spec"], "no node may take the pod");
    else settle(candidate, node.metadata.name);
  }
  if (open.length > 0)
    assumptions.add(
      "placement",
      "pods without a nodeName are spread over the nodes that may take them, a workload's own pods first",
      "spec.nodeName",
    );
  return places;
}

function report(
  problems: ProblemList,
  code: "UNSCHEDULABLE" | "NO_SUCH_NODE" | "ADDRESSES_EXHAUSTED",
  { wanted, maker }: Pick<Candidate, "wanted" | "maker">,
  path: readonly string[],
  message: string,
  fix?: string,
): void {
  const object = `Pod ${wanted.metadata.namespace}/${wanted.metadata.name}`;
  const origin = maker === undefined ? originOf(wanted, path) : originOf(maker, ["spec", "template", ...path]);
  problems.add(code, `${object}: ${message}`, { object, path: path.join("."), ...(origin && { origin }) }, fix);
}

/** The node that the input, the last run or the pod's own address tells. */
function knownNode(
  candidate: Candidate,
  list: readonly Node[],
  nodes: ReadonlyMap<string, Node>,
  memory: PodMemory,
  problems: ProblemList,
): string | undefined {
  const { wanted, id } = candidate;
  const stated = wanted.spec.nodeName;
  if (stated !== undefined) {
    if (nodes.has(stated)) return stated;
    const near = nearest(stated, nodes.keys());
    const fix =
      near === undefined ? `The nodes are ${[...nodes.keys()].slice(0, 10).join(", ")}.` : `Did you mean ${near}?`;
    report(problems, "NO_SUCH_NODE", candidate, ["spec", "nodeName"], `there is no node ${stated}`, fix);
    return undefined;
  }
  const before = memory.pods.get(id)?.pod.spec.nodeName;
  if (before !== undefined && nodes.has(before)) return before;
  const address = wanted.status.podIPs[0];
  return address === undefined ? undefined : nodeOfAddress(list, address)?.metadata.name;
}

function addressesOf(
  wanted: Pod,
  node: Node | undefined,
  before: Remembered | undefined,
  allocatePodIPs: AllocatePodIPs,
  taken: Set<string>,
  last: Map<string, readonly string[]>,
  problems: ProblemList,
  assumptions: Assumptions,
): readonly string[] {
  if (node === undefined || wanted.status.podIPs.length > 0) return wanted.status.podIPs;
  if (wanted.spec.hostNetwork) return internalIPs(node);
  if (wanted.status.phase !== "Running") return [];
  if (before !== undefined && before.pod.spec.nodeName === node.metadata.name) return before.pod.status.podIPs;
  const { name } = node.metadata;
  const given = allocatePodIPs(node, wanted, { isTaken: (address) => taken.has(address), last: last.get(name) ?? [] });
  if (given === undefined || given.length === 0) {
    const message = `no IP addresses available on ${name} in ${node.spec.podCIDRs.join(", ") || "no pod CIDR"}`;
    report(problems, "ADDRESSES_EXHAUSTED", { wanted, maker: undefined }, ["spec"], message);
    return [];
  }
  assumptions.add("pod-addresses", "pods without a podIP get the next free address of their node", "status.podIP");
  last.set(name, given);
  for (const address of given) taken.add(address);
  return given;
}

/** The stated object itself where it lacks nothing: 150,000 pods of a dump are not copied. */
function finished(wanted: Pod, node: Node | undefined, podIPs: readonly string[], ready: boolean): Pod {
  const { spec, status } = wanted;
  const phase = node === undefined && status.phase === "Running" && podIPs.length === 0 ? "Pending" : status.phase;
  const isReady = ready && phase === "Running";
  if (
    spec.nodeName === node?.metadata.name &&
    status.podIPs === podIPs &&
    status.ready === isReady &&
    phase === status.phase
  )
    return wanted;
  return {
    ...wanted,
    spec: node === undefined ? spec : { ...spec, nodeName: node.metadata.name },
    status: { ...status, phase, podIPs, ready: isReady },
  };
}
