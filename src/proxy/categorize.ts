import type { Endpoint } from "./endpoints.ts";
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

/**
 * Chooses endpoints by traffic policy, topology hints and readiness. Terminating endpoints count only where no
 * ready one is left. pkg/proxy/topology.go (CategorizeEndpoints).
 */
export function categorize(
  endpoints: readonly Endpoint[],
  port: ServicePort,
  nodeLabels: Readonly<Record<string, string>>,
): Categorized {
  const usesCluster = usesClusterEndpoints(port);
  const zone = usesCluster ? topologyZone(endpoints, port, nodeLabels) : undefined;
  const cluster = usesCluster ? clusterEndpoints(endpoints, zone) : none;
  if (!usesLocalEndpoints(port)) return { cluster, local: none, reachable: cluster, hasAny: cluster.length > 0 };

  const localReady = endpoints.filter((endpoint) => endpoint.isLocal && endpoint.ready);
  const local =
    localReady.length > 0 ? localReady : endpoints.filter((endpoint) => endpoint.isLocal && isFallback(endpoint));
  const hasAny = cluster.length > 0 || endpoints.some((endpoint) => endpoint.ready || isFallback(endpoint));
  if (!usesCluster) return { cluster, local, reachable: local, hasAny };
  // Without hints and fallback every local endpoint is in the cluster list already.
  const covered = zone === undefined && (localReady.length > 0 || local.length === 0);
  return { cluster, local, reachable: covered ? cluster : union(cluster, local), hasAny };
}

const none: readonly Endpoint[] = [];

function clusterEndpoints(endpoints: readonly Endpoint[], zone: string | undefined): readonly Endpoint[] {
  if (zone === undefined && endpoints.every(({ ready }) => ready)) return endpoints;
  const usable = endpoints.filter(
    (endpoint) => endpoint.ready && (zone === undefined || endpoint.zoneHints.includes(zone)),
  );
  return usable.length > 0 ? usable : endpoints.filter(isFallback);
}

function isFallback(endpoint: Endpoint): boolean {
  return endpoint.serving && endpoint.terminating;
}

/**
 * The node's zone, when hints are to be followed: the Service asks for it, every ready endpoint has a hint, and
 * one of them names this zone. Otherwise hints are ignored altogether.
 */
function topologyZone(
  endpoints: readonly Endpoint[],
  port: ServicePort,
  nodeLabels: Readonly<Record<string, string>>,
): string | undefined {
  if (["", "disabled", "Disabled"].includes(port.hintsAnnotation)) return undefined;
  const zone = nodeLabels["topology.kubernetes.io/zone"];
  if (zone === undefined || zone === "") return undefined;
  const ready = endpoints.filter((endpoint) => endpoint.ready);
  if (ready.some((endpoint) => endpoint.zoneHints.length === 0)) return undefined;
  return ready.some((endpoint) => endpoint.zoneHints.includes(zone)) ? zone : undefined;
}

/** kube-proxy walks a Go map here, so any order is right; ours is that of the endpoint lists. */
function union(a: readonly Endpoint[], b: readonly Endpoint[]): readonly Endpoint[] {
  return [...new Set([...a, ...b])].sort((x, y) => compareText(x.text, y.text));
}
