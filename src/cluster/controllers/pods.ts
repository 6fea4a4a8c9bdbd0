import type { Assumptions } from "../assumptions.ts";
import { nearest } from "../decode/nearest.ts";
import type { AllocatePodIPs } from "../ipam.ts";
import { inheritPlace, originOf, setMaker } from "../load/origin.ts";
import type { Node, Pod, Workload } from "../objects.ts";
import type { ProblemList } from "../problem.ts";
import {
  type Candidate,
  type CandidateInputs,
  type PodMemory,
  type Remembered,
  byNamespaceAndName,
  candidatesOf,
} from "./candidates.ts";
import { internalIPs, nodeOfAddress } from "./nodes.ts";
import { Placement } from "./placement.ts";

/** `set-ready` edits: by pod or workload, `Pod shop/web-0`. */
export type Readiness = Readonly<Record<string, boolean>>;

export interface PodInputs extends CandidateInputs {
  readonly readiness: Readiness;
  readonly allocatePodIPs: AllocatePodIPs;
}

export interface PodRun {
  /** Sorted by namespace and name. */
  readonly pods: readonly Pod[];
  readonly memory: PodMemory;
}

/** Every pod of the cluster, with a node, addresses and readiness; and what the next run must know. */
export function runPods(inputs: PodInputs, memory: PodMemory, problems: ProblemList, assumptions: Assumptions): PodRun {
  const candidates = candidatesOf(inputs, memory);
  placeAll(candidates, inputs.nodes, problems, assumptions);
  const addresses = new Addresses(candidates, inputs.allocatePodIPs, memory.last);
  const readinessOf = readinessReader(inputs.readiness);
  const byId = new Map<string, Remembered>();
  const byStated = new Map<Pod, Remembered>();
  const pods = candidates.map((candidate): Pod => {
    const { id, wanted, before, maker, slot, node } = candidate;
    const ready = readinessOf(wanted, maker);
    const same =
      before?.wanted === wanted && before.ready === ready && before.pod.spec.nodeName === node?.metadata.name;
    let remembered: Remembered;
    if (same && before !== undefined) remembered = before;
    else {
      const podIPs = addresses.of(candidate, problems, assumptions);
      const pod = finished(wanted, node, podIPs, ready);
      if (maker === undefined) inheritPlace(pod, wanted);
      else setMaker(pod, maker, ["spec", "template"]);
      remembered = { id, source: maker?.spec.template ?? wanted, wanted, ready, pod, slot };
    }
    byId.set(id, remembered);
    if (maker === undefined) byStated.set(wanted, remembered);
    return remembered.pod;
  });
  return { pods: pods.toSorted(byNamespaceAndName), memory: { byId, byStated, last: addresses.last } };
}

/** What `set-ready` says of a pod or its workload, else its status. Few are named, so the name alone is asked first. */
function readinessReader(readiness: Readiness): (wanted: Pod, maker: Workload | undefined) => boolean {
  const names = new Set(Object.keys(readiness).map((key) => key.slice(key.lastIndexOf("/") + 1)));
  const setOf = ({ kind, metadata }: Pod | Workload): boolean | undefined =>
    names.has(metadata.name) ? readiness[`${kind} ${metadata.namespace}/${metadata.name}`] : undefined;
  return (wanted, maker) => setOf(wanted) ?? (maker && setOf(maker)) ?? wanted.status.ready;
}

/** Gives every candidate its node, but for those that no node may take. */
function placeAll(
  candidates: readonly Candidate[],
  nodes: readonly Node[],
  problems: ProblemList,
  assumptions: Assumptions,
): void {
  const byName = new Map(nodes.map((node) => [node.metadata.name, node]));
  const placement = new Placement(nodes);
  const siblings = new Map<Workload, Map<string, number>>();
  const settle = (candidate: Candidate, node: Node): void => {
    const { name } = node.metadata;
    const { maker } = candidate;
    candidate.node = node;
    placement.add(name);
    if (maker === undefined) return;
    const counts = siblings.get(maker) ?? new Map<string, number>();
    siblings.set(maker, counts.set(name, (counts.get(name) ?? 0) + 1));
  };
  const open = candidates.filter((candidate) => {
    const node = knownNode(candidate, nodes, byName, problems);
    if (node !== undefined) settle(candidate, node);
    return node === undefined;
  });
  for (const candidate of open) {
    const { wanted, maker } = candidate;
    if (wanted.status.phase !== "Running" || wanted.spec.nodeName !== undefined) continue;
    const node = placement.choose(wanted.spec, (maker && siblings.get(maker)) ?? new Map());
    if (node === undefined) report(problems, "UNSCHEDULABLE", candidate, ["spec"], "no node may take the pod");
    else settle(candidate, node);
  }
  if (open.length > 0) {
    const text = "pods without a nodeName are spread over the nodes that may take them, a workload's own pods first";
    assumptions.add("placement", text, "spec.nodeName");
  }
}

/** The node that the input, the last run or the pod's own address tells. */
function knownNode(
  candidate: Candidate,
  nodes: readonly Node[],
  byName: ReadonlyMap<string, Node>,
  problems: ProblemList,
): Node | undefined {
  const { wanted, before } = candidate;
  const stated = wanted.spec.nodeName;
  if (stated !== undefined) {
    const node = byName.get(stated);
    if (node === undefined) {
      const near = nearest(stated, byName.keys());
      const some = [...byName.keys()].slice(0, 10).join(", ");
      const fix = near === undefined ? `The nodes are ${some}.` : `Did you mean ${near}?`;
      report(problems, "NO_SUCH_NODE", candidate, ["spec", "nodeName"], `there is no node ${stated}`, fix);
    }
    return node;
  }
  const address = wanted.status.podIPs[0];
  return (
    byName.get(before?.pod.spec.nodeName ?? "") ?? (address === undefined ? undefined : nodeOfAddress(nodes, address))
  );
}

function report(
  problems: ProblemList,
  code: "UNSCHEDULABLE" | "NO_SUCH_NODE" | "ADDRESSES_EXHAUSTED",
  { wanted, maker }: Candidate,
  path: readonly string[],
  message: string,
  fix?: string,
): void {
  const object = `Pod ${wanted.metadata.namespace}/${wanted.metadata.name}`;
  const origin = maker === undefined ? originOf(wanted, path) : originOf(maker, ["spec", "template", ...path]);
  problems.add(code, `${object}: ${message}`, { object, path: path.join("."), ...(origin && { origin }) }, fix);
}

/** Hands out addresses, and keeps what the IPAM must know. */
class Addresses {
  readonly last: Map<string, readonly string[]>;
  readonly #candidates: readonly Candidate[];
  readonly #allocate: AllocatePodIPs;
  #taken: Set<string> | undefined;

  constructor(candidates: readonly Candidate[], allocate: AllocatePodIPs, last: PodMemory["last"]) {
    this.#candidates = candidates;
    this.#allocate = allocate;
    this.last = new Map(last);
  }

  of(candidate: Candidate, problems: ProblemList, assumptions: Assumptions): readonly string[] {
    const { wanted, before, node } = candidate;
    if (node === undefined || wanted.status.podIPs.length > 0) return wanted.status.podIPs;
    if (wanted.spec.hostNetwork) return internalIPs(node);
    if (wanted.status.phase !== "Running") return [];
    const { name } = node.metadata;
    if (before !== undefined && before.pod.spec.nodeName === name) return before.pod.status.podIPs;
    const taken = (this.#taken ??= this.#allTaken());
    const history = { isTaken: (address: string) => taken.has(address), last: this.last.get(name) ?? [] };
    const given = this.#allocate(node, wanted, history);
    if (given === undefined || given.length === 0) {
      const ranges = node.spec.podCIDRs.join(", ") || "no pod CIDR";
      report(problems, "ADDRESSES_EXHAUSTED", candidate, ["spec"], `no IP addresses available on ${name} in ${ranges}`);
      return [];
    }
    assumptions.add("pod-addresses", "pods without a podIP get the next free address of their node", "status.podIP");
    this.last.set(name, given);
    for (const address of given) taken.add(address);
    return given;
  }

  /** Gathered when the first address is asked for: a dump of a cluster asks for none. */
  #allTaken(): Set<string> {
    const taken = new Set<string>();
    for (const { wanted, before } of this.#candidates) {
      for (const address of wanted.status.podIPs) taken.add(address);
      for (const address of before?.pod.status.podIPs ?? []) taken.add(address);
    }
    return taken;
  }
}

/** The stated object itself where it lacks nothing: 150,000 pods of a dump are not copied. */
function finished(wanted: Pod, node: Node | undefined, podIPs: readonly string[], ready: boolean): Pod {
  const { spec, status } = wanted;
  const nodeName = node?.metadata.name;
  const phase = node === undefined && status.phase === "Running" && podIPs.length === 0 ? "Pending" : status.phase;
  const isReady = ready && phase === "Running";
  const lacksNothing = spec.nodeName === nodeName && status.podIPs === podIPs && status.ready === isReady;
  if (lacksNothing && phase === status.phase) return wanted;
  return {
    ...wanted,
    spec: nodeName === undefined ? spec : { ...spec, nodeName },
    status: { ...status, phase, podIPs, ready: isReady },
  };
}
