import { hostLocal } from "../cni/ipam/host-local.ts";
import { buildCluster } from "../cluster/build.ts";
import type { Cluster, ClusterSettings } from "../cluster/cluster.ts";
import type { ClusterState } from "../cluster/reconcile.ts";
import { type ManifestSource, loadManifests } from "../cluster/load/load.ts";
import { type Problem, hasErrors } from "../cluster/problem.ts";
import { defaultSettings } from "../cluster/settings.ts";
import { checkComponents } from "../sim/components.ts";
import type { UpstreamData } from "../dns/coredns/upstream.ts";
import type { Listens } from "../sim/listens.ts";
import type { ScenarioProblem } from "./parse.ts";

/** What the flags of every verb say about a cluster. */
export interface InputOptions {
  /** Namespace of names that state none. */
  readonly namespace?: string;
  readonly settings?: Partial<ClusterSettings>;
  /** Nodes to assume when the input has none. */
  readonly nodes?: number;
  readonly seed?: number;
  /** The largest YAML text read, UTF-16 units. */
  readonly maxYamlLength?: number;
  readonly listens?: Listens;
  readonly upstream?: UpstreamData;
  /** Services stay as they are given, without allocation. */
  readonly isAsGiven?: boolean;
  /** Told now and then how many objects have been read. */
  readonly progress?: (objects: number) => void;
}

/** A cluster ready to be simulated. */
export interface ClusterInput {
  readonly cluster: Cluster;
  /** What the cluster's next edit starts from. */
  readonly state: ClusterState;
  readonly listens: Listens;
  readonly upstream?: UpstreamData;
  readonly namespace: string;
  readonly seed: number;
  readonly warnings: readonly Problem[];
  readonly notes: readonly string[];
}

export interface InputProblems {
  readonly problems: readonly (Problem | ScenarioProblem)[];
}

/** Loads manifests and lets the controllers work; every problem of the input at once when there are errors. */
export function loadInput(
  sources: readonly ManifestSource[],
  options: InputOptions = {},
): ClusterInput | InputProblems {
  const { namespace = "default", maxYamlLength, listens = {}, seed = 1, progress } = options;
  const isAsGiven = options.isAsGiven ?? false;
  const reading = {
    namespace,
    isAsGiven,
    ...(maxYamlLength !== undefined && { maxYamlLength }),
    ...(progress && { progress }),
  };
  const loaded = loadManifests(sources, reading);
  if (hasErrors(loaded.problems)) return { problems: loaded.problems };
  const settings = { ...options.settings, ...(options.nodes !== undefined && { nodeCount: options.nodes }) };
  const { cluster, problems, state } = buildCluster(loaded, { settings, allocatePodIPs: hostLocal, isAsGiven });
  const unknown = checkComponents({ ...defaultSettings, ...settings });
  if (cluster === undefined || state === undefined || unknown.length > 0)
    return { problems: [...problems, ...unknown] };
  return {
    cluster,
    state,
    listens,
    ...(options.upstream && { upstream: options.upstream }),
    namespace,
    seed,
    warnings: problems,
    notes: loaded.notes,
  };
}
