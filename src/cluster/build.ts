import { Assumptions, assumeSettings } from "./assumptions.ts";
import { checkNodes, checkPodAddresses, checkPolicies, checkServices, checkSlices, reporter } from "./checks.ts";
import type { Cluster, ClusterSettings } from "./cluster.ts";
import { completeNodes } from "./controllers/nodes.ts";
import { type PodMemory, type Readiness, byNamespaceAndName, noPodMemory, runPods } from "./controllers/pods.ts";
import { ServiceAllocator } from "./controllers/service-addresses.ts";
import { serviceNameLabel } from "./controllers/endpoint-slices.ts";
import { type ServiceMemory, noServiceMemory, runServices, runSlices, serviceKey } from "./controllers/services.ts";
import { missingSystemObjects } from "./controllers/system.ts";
import type { Generations } from "./controllers/workload-pods.ts";
import { namespaceNameLabel } from "./decode/node.ts";
import { inferSettings } from "./infer.ts";
import type { AllocatePodIPs } from "./ipam.ts";
import type { Loaded } from "./load/load.ts";
import { inheritPlace } from "./load/origin.ts";
import type { KubernetesObject, Namespace, Node, Pod, Service, Workload, WorkloadKind } from "./objects.ts";
import { ownerOf } from "./owner.ts";
import { type Problem, ProblemList, compareText, hasErrors } from "./problem.ts";
import { checkSettings } from "./settings.ts";
import { type Store, list, storeOf } from "./store.ts";

export interface BuildOptions {
  /** What the user states; the rest is inferred from the input or assumed. */
  readonly settings?: Partial<ClusterSettings>;
  /** The IPAM of the CNI plugin. */
  readonly allocatePodIPs: AllocatePodIPs;
  /** As of loading. */
  readonly lenient?: boolean;
}

/** A cluster with what its next edit needs. Immutable: keep any of them to go back to it. */
export interface ClusterState {
  /** The input's objects and those made once at the start (nodes, CoreDNS), as edits leave them. */
  readonly store: Store;
  readonly generations: Generations;
  readonly readiness: Readiness;
  readonly cluster: Cluster;
  readonly memory: { readonly pods: PodMemory; readonly services: ServiceMemory };
  readonly context: BuildContext;
}

/** What stays the same from edit to edit. */
export interface BuildContext {
  readonly settings: ClusterSettings;
  readonly allocatePodIPs: AllocatePodIPs;
  readonly cidrsStated: boolean;
  /** What was assumed at the start. */
  readonly assumptions: Cluster["assumptions"];
}

/** The cluster, or none when there is an error: nothing half-loaded is run. */
export interface Built {
  /** Those of loading included. */
  readonly problems: readonly Problem[];
  readonly cluster: Cluster | undefined;
  readonly state: ClusterState | undefined;
}

/**
 * Runs the controllers over loaded objects: every workload gets its pods, every pod a node and addresses, every
 * Service its addresses and slices. The one entry from manifests to a cluster.
 */
export function buildCluster(loaded: Pick<Loaded, "objects" | "problems">, options: BuildOptions): Built {
  const problems = new ProblemList(options.lenient);
  const assumptions = new Assumptions();
  const stated = options.settings ?? {};
  const { objects } = loaded;
  const settings = inferSettings(objects, stated, assumptions);
  assumeSettings(settings, stated, assumptions);
  const faults = [...loaded.problems, ...checkSettings(settings)];
  if (hasErrors(faults)) return { problems: faults, cluster: undefined, state: undefined };
  const pods = objects.filter((object): object is Pod => object.kind === "Pod");
  const nodes = nodesOf(objects, pods, settings, stated.nodeCount !== undefined, assumptions);
  checkNodes(nodes, settings, reporter(problems));
  const system = missingSystemObjects(objects, nodes, settings, assumptions);
  const others = objects.filter((object) => object.kind !== "Node");
  const context: BuildContext = {
    settings,
    allocatePodIPs: options.allocatePodIPs,
    cidrsStated: stated.serviceCidrs !== undefined,
    assumptions: assumptions.list(),
  };
  const start = { store: storeOf([...others, ...nodes, ...system]), generations: {}, readiness: {}, context };
  const services = settings.systemComponents === "none" ? asTheyStand(objects) : noServiceMemory.services;
  const built = reconcile(start, { pods: noPodMemory, services: { ...noServiceMemory, services } }, problems);
  const all = [...faults, ...problems.sorted()];
  return hasErrors(all)
    ? { problems: all, cluster: undefined, state: undefined }
    : { problems: all, cluster: built.cluster, state: built };
}

/** Services of a running cluster have gone through its allocators: what they lack was not given. */
function asTheyStand(objects: readonly KubernetesObject[]): ServiceMemory["services"] {
  const services = objects.filter((object): object is Service => object.kind === "Service");
  return new Map(services.map((service) => [serviceKey(service), { wanted: service, service }]));
}

/** Stated nodes keep their place; what they lack was added. */
function nodesOf(
  objects: readonly KubernetesObject[],
  pods: readonly Pod[],
  settings: ClusterSettings,
  countStated: boolean,
  assumptions: Assumptions,
): readonly Node[] {
  const stated = objects.filter((object): object is Node => object.kind === "Node");
  const complete = completeNodes(stated, pods, settings, countStated, assumptions);
  if (stated.length > 0) for (const [index, node] of complete.entries()) inheritPlace(node, stated[index] as Node);
  return complete;
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

/** One run of all controllers over the store. What did not change since the last run stays the same object. */
export function reconcile(
  start: Pick<ClusterState, "store" | "generations" | "readiness" | "context">,
  memory: ClusterState["memory"],
  problems: ProblemList,
): ClusterState {
  const { store, context, generations, readiness } = start;
  const { settings, allocatePodIPs } = context;
  const assumptions = new Assumptions();
  for (const { id, text, override } of context.assumptions) assumptions.add(id, text, override);
  const nodes = sameOr(memory.services.nodes, list(store, "Node"));
  const workloads = workloadKinds
    .flatMap((kind) => list(store, kind) as readonly Workload[])
    .toSorted(byNamespaceAndName);
  const podRun = runPods(
    { pods: list(store, "Pod"), workloads, nodes, generations, readiness, allocatePodIPs },
    memory.pods,
    problems,
    assumptions,
  );
  if (podRun.pods.length > 0) {
    assumptions.add(
      "readiness",
      "pods are ready unless their status or the annotation kubehop.dev/ready says otherwise",
      "status.conditions, kubehop.dev/ready",
    );
  }
  const allocator = new ServiceAllocator(settings, context.cidrsStated, problems, assumptions);
  const allocated = runServices(list(store, "Service"), memory.services.services, allocator);
  const services = [...allocated.values()].map(({ service }) => service);
  const stated = list(store, "EndpointSlice");
  const endpoints = list(store, "Endpoints");
  const sliceRun = runSlices({ services, stated, endpoints, pods: podRun.pods, nodes }, memory.services, assumptions);
  const policies = list(store, "NetworkPolicy");
  const report = reporter(problems);
  const served = new Set(
    sliceRun.slices
      .filter(({ endpoints }) => endpoints.length > 0)
      .map(({ metadata }) => `${metadata.namespace}/${metadata.labels[serviceNameLabel] ?? ""}`),
  );
  checkPodAddresses(podRun.pods, report);
  checkServices(sliceRun.selected, served, report);
  checkPolicies(policies, podRun.pods, report);
  checkSlices(stated, endpoints, new Set(allocated.keys()), report);
  const selected = new Map([...sliceRun.selected].map(([service, taken]) => [serviceKey(service), taken]));
  const cluster: Cluster = {
    settings,
    nodes,
    namespaces: withImplied(list(store, "Namespace"), [podRun.pods, services, sliceRun.slices, policies, workloads]),
    pods: podRun.pods,
    workloads,
    services,
    endpointSlices: sliceRun.slices.toSorted(byNamespaceAndName),
    networkPolicies: policies,
    configMaps: list(store, "ConfigMap"),
    unmodelled: list(store, "Unmodelled"),
    assumptions: assumptions.list(),
    ownerOf,
  };
  return {
    ...start,
    cluster,
    memory: { pods: podRun.memory, services: { services: allocated, ...sliceRun.memory, nodes, selected } },
  };
}

function sameOr<Item>(before: readonly Item[], now: readonly Item[]): readonly Item[] {
  return before.length === now.length && before.every((item, index) => item === now[index]) ? before : now;
}

/** The stated namespaces and those that objects live in, each with the label that the API server gives it. */
function withImplied(
  stated: readonly Namespace[],
  lists: readonly (readonly KubernetesObject[])[],
): readonly Namespace[] {
  const names = new Set(["default", "kube-system"]);
  for (const objects of lists) for (const { metadata } of objects) names.add(metadata.namespace);
  for (const { metadata } of stated) names.delete(metadata.name);
  const implied = [...names].map((name) => impliedNamespace(name));
  return [...stated, ...implied].toSorted((a, b) => compareText(a.metadata.name, b.metadata.name));
}

const impliedNamespaces = new Map<string, Namespace>();

/** The same object each time, so that what hangs on it by identity stays. */
function impliedNamespace(name: string): Namespace {
  let namespace = impliedNamespaces.get(name);
  if (namespace === undefined) {
    namespace = {
      kind: "Namespace",
      metadata: { name, namespace: "", labels: { [namespaceNameLabel]: name }, annotations: {} },
    };
    impliedNamespaces.set(name, namespace);
  }
  return namespace;
}
