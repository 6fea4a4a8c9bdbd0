import type { Endpoint, EndpointPort, EndpointSlice, Node, Pod, Service } from "../objects.ts";
import { since } from "../release.ts";
import { type Topology, asksForHints, withCloseHints, withTopologyHints } from "./hints.ts";
import { suffix } from "./random-names.ts";

/** --max-endpoints-per-slice of the controller manager. */
const maxEndpointsPerSlice = 100;

type IPFamily = Service["spec"]["ipFamilies"][number];

/** What slices are made from besides the Service and its pods. */
export interface SliceContext {
  readonly nodes: ReadonlyMap<string, Node>;
  readonly topology: Topology;
  readonly release: number;
}

/** The slices of a Service, and why it has no hints though it asks for them. */
export interface ServiceSlices {
  readonly slices: readonly EndpointSlice[];
  readonly lack?: string;
}

/**
 * The slices of a Service with a selector, from the pods that it selects. One set of slices per family and per set of
 * numbers that the target ports come to: a named target port may be another number in each pod. Hints are given for
 * each family by itself. Kubernetes staging k8s.io/endpointslice (reconciler.go, utils.go).
 */
export function slicesOf(service: Service, selected: readonly Pod[], context: SliceContext): ServiceSlices {
  const slices: EndpointSlice[] = [];
  let lack: string | undefined;
  for (const family of service.spec.ipFamilies) {
    const groups = new Map<string, { readonly ports: readonly EndpointPort[]; readonly endpoints: Endpoint[] }>();
    for (const pod of selected) {
      const address = addressOf(pod, family);
      if (address === undefined || pod.status.phase === "Succeeded" || pod.status.phase === "Failed") continue;
      const ports = portsFor(service, pod);
      const key = JSON.stringify(ports);
      const group = groups.get(key) ?? { ports, endpoints: [] };
      group.endpoints.push(endpointOf(service, pod, address, context.nodes));
      groups.set(key, group);
    }
    // A Service without endpoints has one empty slice, so that consumers know it was seen.
    if (groups.size === 0) groups.set("", { ports: [], endpoints: [] });
    const all = [...groups.values()].flatMap(({ endpoints }) => endpoints);
    const hinted = withHints(service, all, context);
    lack ??= hinted.lack;
    let next = 0;
    for (const [key, { ports, endpoints }] of groups) {
      const own = hinted.endpoints.slice(next, (next += endpoints.length));
      slices.push(...chunked(service, family, key, ports, own));
    }
  }
  return { slices, ...(lack !== undefined && { lack }) };
}

function withHints(
  service: Service,
  endpoints: readonly Endpoint[],
  { topology, release }: SliceContext,
): ReturnType<typeof withTopologyHints> {
  if (asksForHints(service)) return withTopologyHints(endpoints, topology);
  const { trafficDistribution = "" } = service.spec;
  const known = release >= since.nodeHints ? ["PreferClose", "PreferSameZone", "PreferSameNode"] : ["PreferClose"];
  if (release < since.hintsAlone || !known.includes(trafficDistribution)) return { endpoints };
  return { endpoints: withCloseHints(endpoints, trafficDistribution === "PreferSameNode") };
}

function addressOf(pod: Pod, family: IPFamily): string | undefined {
  return pod.status.podIPs.find((text) => text.includes(":") === (family === "IPv6"));
}

/** getEndpointPorts: a pod without a container port of that name is no endpoint of the port. */
function portsFor(service: Service, pod: Pod): EndpointPort[] {
  return service.spec.ports.flatMap(({ name, protocol, targetPort }) => {
    const port = typeof targetPort === "number" ? targetPort : namedPort(pod, targetPort, protocol);
    return port === undefined ? [] : [{ name, protocol, port }];
  });
}

/** pkg/api/v1/pod/util.go (FindPort): name and protocol must both agree. */
export function namedPort(pod: Pod, name: string, protocol: EndpointPort["protocol"]): number | undefined {
  for (const container of pod.spec.containers) {
    const port = container.ports.find((candidate) => candidate.name === name && candidate.protocol === protocol);
    if (port !== undefined) return port.containerPort;
  }
  return undefined;
}

/** podToEndpoint. A terminating pod serves as long as it is ready, but is never `ready`. */
function endpointOf(service: Service, pod: Pod, address: string, nodes: ReadonlyMap<string, Node>): Endpoint {
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  const serving = pod.status.ready;
  const { hostname, subdomain, nodeName } = pod.spec;
  const zone = nodeName === undefined ? undefined : nodes.get(nodeName)?.metadata.labels["topology.kubernetes.io/zone"];
  return {
    addresses: [address],
    conditions: { ready: service.spec.publishNotReadyAddresses || (serving && !terminating), serving, terminating },
    ...(hostname !== undefined && subdomain === service.metadata.name && { hostname }),
    ...(nodeName !== undefined && { nodeName }),
    ...(zone !== undefined && { zone }),
    targetRef: { kind: "Pod", namespace: pod.metadata.namespace, name: pod.metadata.name },
  };
}

function chunked(
  service: Service,
  addressType: IPFamily,
  key: string,
  ports: readonly EndpointPort[],
  endpoints: readonly Endpoint[],
): EndpointSlice[] {
  const count = Math.max(1, Math.ceil(endpoints.length / maxEndpointsPerSlice));
  return Array.from({ length: count }, (_, index) => ({
    kind: "EndpointSlice",
    metadata: sliceMeta(service, `${addressType} ${key} ${index}`),
    addressType,
    ports,
    endpoints: endpoints.slice(index * maxEndpointsPerSlice, (index + 1) * maxEndpointsPerSlice),
  }));
}

/** A slice carries its Service's labels, its name, and who manages it. */
function sliceMeta({ metadata, spec }: Service, key: string): EndpointSlice["metadata"] {
  const headless = spec.clusterIP === "None" ? { "service.kubernetes.io/headless": "" } : {};
  return {
    name: `${metadata.name}-${suffix(`${metadata.namespace}/${metadata.name} ${key}`)}`,
    namespace: metadata.namespace,
    labels: {
      ...metadata.labels,
      ...headless,
      "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
      [serviceNameLabel]: metadata.name,
    },
    annotations: {},
    ownerReferences: [{ kind: "Service", name: metadata.name }],
  };
}

/** Whose endpoints a slice holds. */
export const serviceNameLabel = "kubernetes.io/service-name";
