import { Assumptions } from "./assumptions.ts";
import { checkIgnored } from "./ignored.ts";
import { checkNodes, checkPodAddresses, checkPolicies, checkServices, checkSlices, reporter } from "./checks.ts";
import type { Cluster, ClusterSettings } from "./cluster.ts";
import { byNamespaceAndName, noPodMemory } from "./controllers/candidates.ts";
import { completeNodes } from "./controllers/nodes.ts";
import { type PodRun, type Readiness, runPods } from "./controllers/pods.ts";
import { ServiceAllocator } from "./controllers/service-addresses.ts";
import {
  type AllocatedServices,
  type SliceRun,
  runServices,
  runSlices,
  servicesAsGiven,
} from "./controllers/services.ts";
import type { Generations } from "./controllers/workload-pods.ts";
import { namespaceNameLabel } from "./decode/node.ts";
import type { AllocatePodIPs } from "./ipam.ts";
import { inheritPlace } from "./load/origin.ts";
import type { EndpointSlice, KubernetesObject, Namespace, Node, Workload, WorkloadKind } from "./objects.ts";
import { ownerOf } from "./owner.ts";
import { releaseOf } from "./release.ts";
import { type ProblemList, compareText } from "./problem.ts";
import { type Step, step } from "./step.ts";
import { type Store, list } from "./store.ts";

/** A cluster with what its next edit needs. Immutable: keep any of them to go back to it. */
export interface ClusterState {
  /** The input's objects and those made once at the start (nodes, CoreDNS), as edits leave them. */
  readonly store: Store;
  readonly generations: Generations;
  readonly readiness: Readiness;
  readonly context: BuildContext;
  readonly cluster: Cluster;
  readonly memory: Memory;
}

/** What stays the same from edit to edit. */
export interface BuildContext {
  readonly settings: ClusterSettings;
  readonly allocatePodIPs: AllocatePodIPs;
  readonly cidrsStated: boolean;
  readonly lenient: boolean;
  /** Services stay as they are given: nothing is allocated for them, now or later. */
  readonly isAsGiven: boolean;
  /** What was assumed at the start. */
  readonly assumptions: Cluster["assumptions"];
}

/** The parts of the last run, each of which is run again only when its inputs changed. */
export interface Memory {
  readonly nodes?: Step<readonly Node[]>;
  readonly workloads?: Step<readonly Workload[]>;
  readonly pods?: Step<PodRun>;
  readonly services?: Step<AllocatedServices>;
  readonly slices?: Step<SliceRun>;
  readonly sortedSlices?: Step<readonly EndpointSlice[]>;
  readonly namespaces?: Step<readonly Namespace[]>;
  readonly checks?: readonly Step<void>[];
}

const workloadKinds: readonly WorkloadKind[] = [
  "Deployment",
  "ReplicaSet",
  "StatefulSet",
  "DaemonSet",
  "ReplicationController",
  "Job",
  "CronJob",
];

type Start = Pick<ClusterState, "store" | "generations" | "readiness" | "context">;

/** One run of all controllers over the store. What did not change since the last run stays the same object. */
export function reconcile(start: Start, memory: Memory, problems: ProblemList): ClusterState {
  const { store, context, generations, readiness } = start;
  const { settings, allocatePodIPs, lenient } = context;
  const nodeList = list(store, "Node");
  const nodeStep = step(memory.nodes, [nodeList], lenient, (_, assumptions) => joined(nodeList, settings, assumptions));
  const nodes = nodeStep.result;
  const policies = list(store, "NetworkPolicy");
  const stated = list(store, "EndpointSlice");
  const endpoints = list(store, "Endpoints");

  const lists = workloadKinds.map((kind) => list(store, kind) as readonly Workload[]);
  const workloads = step(memory.workloads, lists, lenient, () => lists.flat().toSorted(byNamespaceAndName));
  const podInputs = {
    pods: list(store, "Pod"),
    workloads: workloads.result,
    nodes,
    generations,
    readiness,
    allocatePodIPs,
  };
  const pods = step(memory.pods, Object.values(podInputs), lenient, (...say) =>
    runPods(podInputs, memory.pods?.result.memory ?? noPodMemory, ...say),
  );
  const wanted = list(store, "Service");
  const services = step(memory.services, [wanted], lenient, (...say) =>
    context.isAsGiven
      ? servicesAsGiven(wanted)
      : runServices(wanted, memory.services?.result, new ServiceAllocator(settings, context.cidrsStated, ...say)),
  );
  const sliceInputs = {
    services: services.result.services,
    stated,
    endpoints,
    pods: pods.result.pods,
    nodes,
    release: releaseOf(settings.kubeVersion),
  };
  const slices = step(memory.slices, Object.values(sliceInputs), lenient, (_, assumptions) =>
    runSlices(sliceInputs, memory.slices?.result, assumptions),
  );
  const sortedSlices = step(memory.sortedSlices, [slices.result.slices], lenient, () =>
    slices.result.slices.toSorted(byNamespaceAndName),
  );

  const check = (
    index: number,
    inputs: readonly unknown[],
    run: (report: ReturnType<typeof reporter>) => void,
  ): Step<void> => step(memory.checks?.[index], inputs, lenient, (found) => run(reporter(found)));
  const checks = [
    check(0, [pods.result.pods], (report) => checkPodAddresses(pods.result.pods, report)),
    check(1, [slices.result], (report) => checkServices(slices.result, report)),
    check(2, [policies, pods.result.pods], (report) => checkPolicies(policies, pods.result.pods, report)),
    check(3, [stated, endpoints, services.result], (report) =>
      checkSlices(stated, endpoints, services.result.byKey, report),
    ),
    check(4, [services.result, stated], (report) =>
      checkIgnored(services.result.services, stated, sliceInputs.release, report),
    ),
    check(5, [nodes], (report) => checkNodes(nodes, settings, report)),
  ];

  const inNamespaces = [pods.result.pods, services.result.services, slices.result.slices, policies, workloads.result];
  const namespaceList = list(store, "Namespace");
  const namespaces = step(memory.namespaces, [namespaceList, ...inNamespaces], lenient, () =>
    withImplied(namespaceList, inNamespaces),
  );

  const assumptions = new Assumptions();
  assumptions.addAll(context.assumptions);
  for (const part of [nodeStep, pods, services, slices, ...checks]) {
    problems.addAll(part.problems);
    assumptions.addAll(part.assumptions);
  }
  const cluster: Cluster = {
    settings,
    nodes,
    namespaces: namespaces.result,
    pods: pods.result.pods,
    workloads: workloads.result,
    services: services.result.services,
    endpointSlices: sortedSlices.result,
    networkPolicies: policies,
    configMaps: list(store, "ConfigMap"),
    unmodelled: list(store, "Unmodelled"),
    assumptions: assumptions.list(),
    ownerOf,
  };
  return {
    ...start,
    cluster,
    memory: { nodes: nodeStep, workloads, pods, services, slices, sortedSlices, namespaces, checks },
  };
}

/** Nodes that an edit brought get what they lack, as those of the start did. */
function joined(nodes: readonly Node[], settings: ClusterSettings, assumptions: Assumptions): readonly Node[] {
  if (nodes.length === 0) return nodes;
  const complete = completeNodes(nodes, [], settings, true, assumptions);
  for (const [index, node] of complete.entries()) inheritPlace(node, nodes[index] as Node);
  return complete;
}

const namespacesOfList = new WeakMap<readonly KubernetesObject[], ReadonlySet<string>>();

/** The namespaces of a list, which is walked once. */
function namespacesOf(objects: readonly KubernetesObject[]): ReadonlySet<string> {
  let names = namespacesOfList.get(objects);
  if (names === undefined) {
    names = new Set(objects.map(({ metadata }) => metadata.namespace));
    namespacesOfList.set(objects, names);
  }
  return names;
}

/** The stated namespaces and those that objects live in, each with the label that the API server gives it. */
function withImplied(
  stated: readonly Namespace[],
  lists: readonly (readonly KubernetesObject[])[],
): readonly Namespace[] {
  const names = new Set(["default", "kube-system"]);
  for (const objects of lists) for (const name of namespacesOf(objects)) names.add(name);
  for (const { metadata } of stated) names.delete(metadata.name);
  const implied = [...names].map((name): Namespace => ({
    kind: "Namespace",
    metadata: { name, namespace: "", labels: { [namespaceNameLabel]: name }, annotations: {} },
  }));
  return [...stated, ...implied].toSorted((a, b) => compareText(a.metadata.name, b.metadata.name));
}
