import { Assumptions, assumeSettings } from "./assumptions.ts";
import type { Cluster, ClusterSettings } from "./cluster.ts";
import { completeNodes } from "./controllers/nodes.ts";
import { servicesAsGiven } from "./controllers/services.ts";
import { missingSystemObjects } from "./controllers/system.ts";
import { inferSettings } from "./infer.ts";
import type { AllocatePodIPs } from "./ipam.ts";
import type { Loaded } from "./load/load.ts";
import { inheritPlace } from "./load/origin.ts";
import type { KubernetesObject, Node, Pod } from "./objects.ts";
import { type Problem, ProblemList, hasErrors } from "./problem.ts";
import { type BuildContext, type ClusterState, type Memory, reconcile } from "./reconcile.ts";
import { checkSettings } from "./settings.ts";
import { type Store, list, storeOf } from "./store.ts";

export interface BuildOptions {
  /** What the user states; the rest is inferred from the input or assumed. */
  readonly settings?: Partial<ClusterSettings>;
  /** The IPAM of the CNI plugin. */
  readonly allocatePodIPs: AllocatePodIPs;
  /** As of loading. */
  readonly lenient?: boolean;
  /** Nothing is allocated for Services, also for those of later edits. */
  readonly isAsGiven?: boolean;
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
  const system = missingSystemObjects(objects, nodes, settings, assumptions);
  if (pods.length > 0 || objects.some((object) => "template" in ((object as { spec?: object }).spec ?? {}))) {
    const text = "pods are ready unless their status or the annotation kubehop.dev/ready says otherwise";
    assumptions.add("readiness", text, "status.conditions, kubehop.dev/ready");
  }
  const others = objects.filter((object) => object.kind !== "Node");
  const context: BuildContext = {
    settings,
    allocatePodIPs: options.allocatePodIPs,
    cidrsStated: stated.serviceCidrs !== undefined,
    lenient: options.lenient ?? false,
    isAsGiven: options.isAsGiven ?? false,
    assumptions: assumptions.list(),
  };
  const store = storeOf([...others, ...nodes, ...system]);
  const memory = settings.systemComponents === "none" ? asTheyStand(store) : {};
  const built = reconcile({ store, generations: {}, readiness: {}, context }, memory, problems);
  const all = [...faults, ...problems.sorted()];
  return hasErrors(all)
    ? { problems: all, cluster: undefined, state: undefined }
    : { problems: all, cluster: built.cluster, state: built };
}

/** Services of a running cluster have gone through its allocators; those of later edits have not. */
function asTheyStand(store: Store): Memory {
  const result = servicesAsGiven(list(store, "Service"));
  return { services: { inputs: [], result, problems: [], assumptions: [] } };
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
