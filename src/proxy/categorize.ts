import type { Endpoint } from "./endpoints.ts";
import { since } from "../cluster/release.ts";
import { type ServicePort, compareText, usesClusterEndpoints, usesLocalEndpoints } from "./service-port.ts";

/** Which endpoints of a service port a node uses. */
export interface Categorized {
  /** For the policy Cluster, and to short-circuit; empty when the port never uses them. */
  readonly cluster: readonly Endpoint[];
  /** For the policy Local. */
  readonly local: readonly Endpoint[];
  /** Those that any traffic on this node can be sent to. */
  readonly reachable: readonly Endpoint[];
  /** Some endpoint is usable, if not necessarily from here. */
  readonly hasAny: boolean;
}

/** The node that endpoints are chosen for. */
export interface ChoosingNode {
  readonly nodeName: string;
  readonly nodeLabels: Readonly<Record<string, string>>;
  readonly release: number;
}

/**
 * Chooses endpoints by traffic policy, topology hints and readiness. Terminating endpoints count only where no
 * ready one is left. pkg/proxy/topology.go (CategorizeEndpoints).
 */
export function categorize(endpoints: readonly Endpoint[], port: ServicePort, node: ChoosingNode): Categorized {
  const usesCluster = usesClusterEndpoints(port);
  const hinted = usesCluster ? hintedHere(endpoints, port, node) : undefined;
  const cluster = usesCluster ? clusterEndpoints(endpoints, hinted) : none;
  if (!usesLocalEndpoints(port)) return { cluster, local: none, reachable: cluster, hasAny: cluster.length > 0 };

  const isLocal = ({ nodeName }: Endpoint): boolean => nodeName === node.nodeName;
  const localReady = endpoints.filter((endpoint) => isLocal(endpoint) && endpoint.ready);
  const local =
    localReady.length > 0 ? localReady : endpoints.filter((endpoint) => isLocal(endpoint) && isFallback(endpoint));
  const hasAny = cluster.length > 0 || endpoints.some((endpoint) => endpoint.ready || isFallback(endpoint));
  if (!usesCluster) return { cluster, local, reachable: local, hasAny };
  // Without hints and fallback every local endpoint is in the cluster list already.
  const covered = hinted === undefined && (localReady.length > 0 || local.length === 0);
  return { cluster, local, reachable: covered ? cluster : union(cluster, local), hasAny };
}

/** Whether other nodes may choose otherwise: the policy Local, or hints. */
export function dependsOnNode(endpoints: readonly Endpoint[], port: ServicePort): boolean {
  return (
    usesLocalEndpoints(port) ||
    endpoints.some(({ zoneHints, nodeHints }) => zoneHints.length > 0 || nodeHints.length > 0)
  );
}

const none: readonly Endpoint[] = [];

function clusterEndpoints(endpoints: readonly Endpoint[], hinted: Hinted | undefined): readonly Endpoint[] {
  if (hinted === undefined && endpoints.every(({ ready }) => ready)) return endpoints;
  const usable = endpoints.filter((endpoint) => endpoint.ready && (hinted === undefined || hinted(endpoint)));
  return usable.length > 0 ? usable : endpoints.filter(isFallback);
}

function isFallback(endpoint: Endpoint): boolean {
  return endpoint.serving && endpoint.terminating;
}

type Hinted = (endpoint: Endpoint) => boolean;

/**
 * Who is hinted to serve this node, when hints are to be followed: the Service asks for it (1.30: by annotation),
 * every ready endpoint has a hint, and one of them names this node or its zone. Otherwise hints are ignored altogether.
 */
function hintedHere(endpoints: readonly Endpoint[], port: ServicePort, node: ChoosingNode): Hinted | undefined {
  const { nodeName, nodeLabels, release } = node;
  const isOff = release < since.hintsAlone && ["", "disabled", "Disabled"].includes(port.hintsAnnotation);
  if (isOff) return undefined;
  const ready = endpoints.filter((endpoint) => endpoint.ready);
  const follow = (hintsOf: (endpoint: Endpoint) => readonly string[], here: string | undefined): Hinted | undefined => {
    if (here === undefined || here === "") return undefined;
    if (ready.some((endpoint) => hintsOf(endpoint).length === 0)) return undefined;
    const isHinted: Hinted = (endpoint) => hintsOf(endpoint).includes(here);
    return ready.some(isHinted) ? isHinted : undefined;
  };
  const sameNode = release < since.nodeHints ? undefined : follow(({ nodeHints }) => nodeHints, nodeName);
  return sameNode ?? follow(({ zoneHints }) => zoneHints, nodeLabels["topology.kubernetes.io/zone"]);
}

/** kube-proxy walks a Go map here, so any order is right; ours is that of the endpoint lists. */
function union(a: readonly Endpoint[], b: readonly Endpoint[]): readonly Endpoint[] {
  return [...new Set([...a, ...b])].sort((x, y) => compareText(x.text, y.text));
}
