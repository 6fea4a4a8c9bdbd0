import type { Protocol, Service, ServicePort as ApiServicePort } from "../cluster/objects.ts";
import type { Owner } from "../trace/records.ts";
import { type Family, familyOf } from "../wire/address.ts";
import { formatCidr } from "../wire/cidr.ts";
import { canonicalAddress, parseCidrSloppy } from "../cluster/sloppy.ts";

/**
 * One port of a Service as kube-proxy sees it in one address family. Addresses are canonical text.
 * pkg/proxy/serviceport.go (BaseServicePortInfo).
 */
export interface ServicePort {
  readonly namespace: string;
  readonly name: string;
  /** "" when the port has no name. */
  readonly portName: string;
  readonly protocol: Protocol;
  /** `ns/name:port`, `ns/name` without a port name. Not unique: two protocols may share it. */
  readonly text: string;
  readonly clusterIP: string;
  readonly port: number;
  /** 0 when there is none. */
  readonly nodePort: number;
  readonly externalIPs: readonly string[];
  readonly loadBalancerIPs: readonly string[];
  /** Masked blocks of this family; empty: anybody. */
  readonly sourceRanges: readonly string[];
  /** Seconds a client sticks to its endpoint; undefined without session affinity. */
  readonly affinitySeconds: number | undefined;
  readonly internalPolicyLocal: boolean;
  readonly externalPolicyLocal: boolean;
  /** 0 when there is none. */
  readonly healthCheckNodePort: number;
  /** A nodePort, load balancer or external IP leads to it. */
  readonly externallyAccessible: boolean;
  /** Value of the topology annotation, "" when there is none. */
  readonly hintsAnnotation: string;
  readonly owner: Owner;
}

/** The owner of an object, or of the part of it at `path`. Cluster.ownerOf is one. */
export type OwnerOf<T> = (object: T, path?: readonly (string | number)[]) => Owner;

/**
 * The ports of a Service that kube-proxy handles in this family, byte-wise by port name, then protocol. Empty for
 * headless and ExternalName Services and those without a cluster IP of the family.
 * pkg/proxy/servicechangetracker.go (serviceToServiceMap), pkg/proxy/util/utils.go (ShouldSkipService).
 */
export function servicePorts(service: Service, family: Family, ownerOf: OwnerOf<Service>): ServicePort[] {
  const { spec, metadata } = service;
  if (spec.type === "ExternalName" || spec.clusterIP === "" || spec.clusterIP === "None") return [];
  if (!isWatched(service)) return [];
  const clusterIP = clusterIPOf(service, family);
  if (clusterIP === undefined) return [];
  const externalIPs = spec.externalIPs.flatMap((text) => canonicalAddress(text, family) ?? []);
  const loadBalancerIPs = ingressIPs(service, family);
  const accessibleByType = spec.type !== "ClusterIP" || spec.externalIPs.length > 0;
  const externalPolicyLocal = accessibleByType && spec.externalTrafficPolicy === "Local";
  const common: Common = {
    namespace: metadata.namespace,
    name: metadata.name,
    clusterIP,
    externalIPs,
    loadBalancerIPs,
    sourceRanges: spec.loadBalancerSourceRanges.flatMap((text) => sourceRange(text, family)),
    affinitySeconds: spec.sessionAffinity === "ClientIP" ? spec.sessionAffinityTimeoutSeconds : undefined,
    internalPolicyLocal: spec.internalTrafficPolicy === "Local",
    externalPolicyLocal,
    healthCheckNodePort: spec.type === "LoadBalancer" && externalPolicyLocal ? spec.healthCheckNodePort : 0,
    hintsAnnotation:
      metadata.annotations["service.kubernetes.io/topology-aware-hints"] ??
      metadata.annotations["service.kubernetes.io/topology-mode"] ??
      "",
  };
  const ownerAt = (index: number, port: ApiServicePort): Owner => ({
    ...ownerOf(service, ["spec", "ports", index]),
    detail: portDetail(port),
  });
  return spec.ports
    .map((port, index): ServicePort => new PortOfService(common, port, () => ownerAt(index, port)))
    .sort((a, b) => compareText(a.portName, b.portName) || compareText(a.protocol, b.protocol));
}

/** What the ports of a Service have in common. */
type Common = Omit<
  ServicePort,
  "portName" | "protocol" | "text" | "port" | "nodePort" | "externallyAccessible" | "owner"
>;

/** Finds its owner when somebody asks: the line in the manifest takes a look into the text. */
class PortOfService implements ServicePort {
  readonly namespace: string;
  readonly name: string;
  readonly portName: string;
  readonly protocol: Protocol;
  readonly text: string;
  readonly clusterIP: string;
  readonly port: number;
  readonly nodePort: number;
  readonly externalIPs: readonly string[];
  readonly loadBalancerIPs: readonly string[];
  readonly sourceRanges: readonly string[];
  readonly affinitySeconds: number | undefined;
  readonly internalPolicyLocal: boolean;
  readonly externalPolicyLocal: boolean;
  readonly healthCheckNodePort: number;
  readonly externallyAccessible: boolean;
  readonly hintsAnnotation: string;
  readonly #findOwner: () => Owner;
  #owner: Owner | undefined;

  constructor(common: Common, { name, protocol, port, nodePort }: ApiServicePort, findOwner: () => Owner) {
    this.namespace = common.namespace;
    this.name = common.name;
    this.portName = name;
    this.protocol = protocol;
    this.text = `${common.namespace}/${common.name}${name === "" ? "" : `:${name}`}`;
    this.clusterIP = common.clusterIP;
    this.port = port;
    this.nodePort = nodePort;
    this.externalIPs = common.externalIPs;
    this.loadBalancerIPs = common.loadBalancerIPs;
    this.sourceRanges = common.sourceRanges;
    this.affinitySeconds = common.affinitySeconds;
    this.internalPolicyLocal = common.internalPolicyLocal;
    this.externalPolicyLocal = common.externalPolicyLocal;
    this.healthCheckNodePort = common.healthCheckNodePort;
    this.externallyAccessible = nodePort !== 0 || common.loadBalancerIPs.length > 0 || common.externalIPs.length > 0;
    this.hintsAnnotation = common.hintsAnnotation;
    this.#findOwner = findOwner;
  }

  get owner(): Owner {
    return (this.#owner ??= this.#findOwner());
  }
}

/**
 * Objects with these labels are left to other proxies, or need none: kube-proxy does not ask for them.
 * cmd/kube-proxy/app/server.go (Run).
 */
export function isWatched({ metadata: { labels } }: Pick<Service, "metadata">): boolean {
  return !("service.kubernetes.io/service-proxy-name" in labels) && !("service.kubernetes.io/headless" in labels);
}

/** Uses endpoints of the whole cluster: for internal traffic, or to short-circuit external traffic. */
export function usesClusterEndpoints(port: ServicePort): boolean {
  return !port.internalPolicyLocal || port.externallyAccessible;
}

/** Uses the endpoints of the node alone, for internal or for external traffic. */
export function usesLocalEndpoints(port: ServicePort): boolean {
  return port.internalPolicyLocal || (port.externalPolicyLocal && port.externallyAccessible);
}

/** Byte-wise order of ASCII text. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function portDetail(port: ApiServicePort): string {
  return port.name === "" ? `port ${port.port}/${port.protocol}` : `port ${port.name}`;
}

/** GetClusterIPByFamily: by the place of the family in ipFamilies, or clusterIP itself where that is empty. */
function clusterIPOf({ spec }: Service, family: Family): string | undefined {
  const index = spec.ipFamilies.indexOf(family === "ipv4" ? "IPv4" : "IPv6");
  const text = spec.ipFamilies.length === 0 ? spec.clusterIP : spec.clusterIPs[index];
  return text === undefined ? undefined : canonicalAddress(text, family);
}

/** Ingress IPs; those with ipMode Proxy are the load balancer's own (gate LoadBalancerIPMode, on since 1.30). */
function ingressIPs(service: Service, family: Family): string[] {
  return service.status.loadBalancer.ingress.flatMap(({ ip, ipMode }) =>
    ip === undefined || ipMode === "Proxy" ? [] : (canonicalAddress(ip, family) ?? []),
  );
}

function sourceRange(text: string, family: Family): string[] {
  const block = parseCidrSloppy(text.trim());
  return block !== undefined && familyOf(block.base) === family ? [formatCidr(block)] : [];
}
