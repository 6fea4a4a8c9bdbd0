import type { Cluster } from "../cluster/cluster.ts";
import type { EndpointSlice, Namespace, Pod, Service } from "../cluster/objects.ts";

/** The label by which an EndpointSlice names its Service (discovery.k8s.io/v1). */
const serviceNameLabel = "kubernetes.io/service-name";

/** A port as the CoreDNS informers hold it. -1 stands for "no port", which SRV leaves out. */
export interface ZonePort {
  readonly name: string;
  readonly protocol: string;
  readonly port: number;
}

export interface ZoneEndpoint {
  readonly address: string;
  readonly hostname: string;
  /** Name of the object behind it, where it can be a label; "" otherwise. */
  readonly targetName: string;
}

/** One EndpointSlice after CoreDNS cut it down to what it needs: ready endpoints only. */
export interface ZoneEndpoints {
  readonly namespace: string;
  /** Name of the Service. */
  readonly service: string;
  readonly ports: readonly ZonePort[];
  readonly endpoints: readonly ZoneEndpoint[];
}

export interface ZoneService {
  readonly namespace: string;
  readonly name: string;
  readonly headless: boolean;
  readonly externalName?: string;
  readonly clusterIps: readonly string[];
  readonly ports: readonly ZonePort[];
  readonly source: Service;
}

/** Stands for "no ports declared", so that the addresses are still found. CoreDNS plugin/kubernetes/object. */
const noPorts: readonly ZonePort[] = [{ name: "", protocol: "", port: -1 }];

/**
 * What the informers of the kubernetes plugin hold, indexed as CoreDNS does. Names are keys in lower case, since the
 * DNS does not tell case apart. CoreDNS plugin/kubernetes/controller.go, object/.
 */
export class ClusterZone {
  readonly #cluster: Cluster;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  namespace(name: string): Namespace | undefined {
    return namespacesOf(this.#cluster.namespaces).get(name);
  }

  service(name: string, namespace: string): ZoneService | undefined {
    return servicesOf(this.#cluster.services).byName.get(`${namespace}/${name}`);
  }

  servicesWithAddress(address: string): readonly ZoneService[] {
    return servicesOf(this.#cluster.services).byAddress.get(address) ?? [];
  }

  endpoints(service: string, namespace: string): readonly ZoneEndpoints[] {
    return endpointsOf(this.#cluster.endpointSlices).byService.get(`${namespace}/${service}`) ?? [];
  }

  endpointsWithAddress(address: string): readonly ZoneEndpoints[] {
    return endpointsOf(this.#cluster.endpointSlices).byAddress.get(address) ?? [];
  }

  podsWithAddress(address: string): readonly Pod[] {
    return podsOf(this.#cluster.pods).get(address) ?? [];
  }
}

/** Each list of the cluster is indexed once: an edit of one kind leaves the other lists, and their indexes, as they are. */
function memoised<K extends object, V>(build: (key: K) => V): (key: K) => V {
  const known = new WeakMap<K, V>();
  return (key) => {
    let value = known.get(key);
    if (value === undefined) known.set(key, (value = build(key)));
    return value;
  };
}

const namespacesOf = memoised(
  (namespaces: readonly Namespace[]) =>
    new Map(namespaces.map((namespace) => [namespace.metadata.name.toLowerCase(), namespace])),
);

const servicesOf = memoised((services: readonly Service[]) => {
  const byName = new Map<string, ZoneService>();
  const byAddress = new Map<string, ZoneService[]>();
  for (const source of services) {
    const service = zoneService(source);
    byName.set(`${service.namespace}/${service.name}`.toLowerCase(), service);
    for (const address of service.clusterIps) append(byAddress, address, service);
  }
  return { byName, byAddress };
});

function zoneService(source: Service): ZoneService {
  const { metadata, spec } = source;
  const headless = spec.clusterIP === "None";
  return {
    namespace: metadata.namespace,
    name: metadata.name,
    headless,
    ...(spec.type === "ExternalName" && { externalName: spec.externalName ?? "" }),
    clusterIps:
      headless || spec.type === "ExternalName" ? [] : spec.clusterIPs.length > 0 ? spec.clusterIPs : [spec.clusterIP],
    ports: spec.ports.length === 0 ? noPorts : spec.ports,
    source,
  };
}

const endpointsOf = memoised((slices: readonly EndpointSlice[]) => {
  const byService = new Map<string, ZoneEndpoints[]>();
  const byAddress = new Map<string, ZoneEndpoints[]>();
  for (const slice of slices) {
    const service = slice.metadata.labels[serviceNameLabel];
    if (service === undefined) continue;
    const endpoints = zoneEndpoints(slice, service);
    append(byService, `${endpoints.namespace}/${service}`.toLowerCase(), endpoints);
    for (const address of new Set(endpoints.endpoints.map((endpoint) => endpoint.address))) {
      append(byAddress, address, endpoints);
    }
  }
  return { byService, byAddress };
});

function zoneEndpoints(slice: EndpointSlice, service: string): ZoneEndpoints {
  return {
    namespace: slice.metadata.namespace,
    service,
    ports:
      slice.ports.length === 0
        ? noPorts
        : slice.ports.map(({ name, protocol, port }) => ({ name: name ?? "", protocol, port: port ?? -1 })),
    // CoreDNS looks at `ready` alone; absent means ready. object/endpoint.go (endpointsliceReady)
    endpoints: slice.endpoints
      .filter((endpoint) => endpoint.conditions.ready !== false)
      .flatMap(({ addresses, hostname, targetRef }) =>
        addresses.map((address) => ({
          address,
          hostname: hostname ?? "",
          targetName: targetRef !== undefined && targetRef.name.length < 64 ? targetRef.name : "",
        })),
      ),
  };
}

const podsOf = memoised((pods: readonly Pod[]) => {
  const byAddress = new Map<string, Pod[]>();
  for (const pod of pods) {
    // The informer leaves finished and terminating pods out, and knows the first address alone.
    const address = pod.status.podIPs[0];
    const gone = pod.status.phase === "Succeeded" || pod.status.phase === "Failed";
    if (address === undefined || gone || pod.metadata.deletionTimestamp !== undefined) continue;
    append(byAddress, address, pod);
  }
  return byAddress;
});

function append<V>(index: Map<string, V[]>, key: string, value: V): void {
  const list = index.get(key);
  if (list === undefined) index.set(key, [value]);
  else list.push(value);
}

/** The index of a cluster's objects for DNS; the same for the same cluster. */
export const clusterZone: (cluster: Cluster) => ClusterZone = memoised((cluster) => new ClusterZone(cluster));
