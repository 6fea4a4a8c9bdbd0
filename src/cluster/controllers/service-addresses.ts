import { type Address, formatAddress, isIPv4, parseAddress } from "../../wire/address.ts";
import { type Cidr, contains, formatCidr, nthAddress, parseCidr, sizeOf } from "../../wire/cidr.ts";
import type { Assumptions } from "../assumptions.ts";
import type { ClusterSettings } from "../cluster.ts";
import { pathText } from "../decode/reader.ts";
import { originOf } from "../load/origin.ts";
import type { Service, ServicePort } from "../objects.ts";
import type { ProblemList } from "../problem.ts";
import { mixed32 } from "./random-names.ts";

type IPFamily = Service["spec"]["ipFamilies"][number];

const nodePortBase = 30000;
const nodePortCount = 2768;
/** The lower part is left to those who ask for a certain port (KEP-3668); the same for addresses (KEP-3070). */
const nodePortStaticBand = 86;

const dualStackFix =
  "State CIDRs of both families, as --service-cidr 10.96.0.0/12,fd00:10:96::/112 --pod-cidr 10.244.0.0/16,fd00:10:244::/56.";

/** Where load balancers get their addresses: the range is for documentation (RFC 5737), so it is nobody's. */
const loadBalancerRange: Cidr = { base: parseAddress("198.51.100.0") as Cidr["base"], prefixLength: 24 };
const loadBalancerRangeIPv6: Cidr = { base: parseAddress("2001:db8:198::") as Cidr["base"], prefixLength: 112 };

/**
 * Gives every Service what the API server's allocators would: cluster IPs, node ports, a load balancer's address.
 * The real ones draw at random; here the draw follows from the Service's name, so that an edit moves nobody else.
 */
export class ServiceAllocator {
  readonly #ranges: readonly Cidr[];
  readonly #problems: ProblemList;
  readonly #assumptions: Assumptions;
  readonly #stated: boolean;
  readonly #addresses = new Map<string, Service>();
  readonly #nodePorts = new Map<number, Service>();
  readonly #loadBalancerIPs = new Set<string>();

  /** `cidrsStated`: the service CIDRs are the user's, so an address outside is a mistake. */
  constructor(settings: ClusterSettings, cidrsStated: boolean, problems: ProblemList, assumptions: Assumptions) {
    this.#ranges = settings.serviceCidrs.flatMap((text) => parseCidr(text) ?? []);
    this.#stated = cidrsStated;
    this.#problems = problems;
    this.#assumptions = assumptions;
  }

  /** Notes what a Service states itself; to be called for all before the first `complete`. */
  claim(service: Service): void {
    const { spec } = service;
    if (spec.type !== "ExternalName") {
      for (const text of spec.clusterIPs) if (text !== "None" && text !== "") this.#claimAddress(service, text);
    }
    for (const port of new Set(spec.ports.map(({ nodePort }) => nodePort))) this.#claimNodePort(service, port);
    this.#claimNodePort(service, spec.healthCheckNodePort);
    for (const { ip } of service.status.loadBalancer.ingress) if (ip !== undefined) this.#loadBalancerIPs.add(ip);
  }

  #report(
    code: "CLUSTER_IP_TAKEN" | "CLUSTER_IP_OUTSIDE" | "NODE_PORT_TAKEN" | "ADDRESSES_EXHAUSTED" | "BAD_VALUE",
    service: Service,
    path: string,
    message: string,
    fix?: string,
  ): void {
    const object = `Service ${service.metadata.namespace}/${service.metadata.name}`;
    const steps = path.split(".").map((step) => (/^\d+$/.test(step) ? Number(step) : step));
    const origin = originOf(service, steps);
    const where = { object, path: pathText(steps), ...(origin && { origin }) };
    this.#problems.add(code, `${object}: ${message}`, where, fix);
  }

  /** In the API server's own words. */
  #invalid(
    code: "CLUSTER_IP_TAKEN" | "CLUSTER_IP_OUTSIDE" | "NODE_PORT_TAKEN" | "BAD_VALUE",
    service: Service,
    path: string,
    value: unknown,
    detail: string,
    fix?: string,
  ): void {
    const shown = path.replace(/\.(\d+)/g, "[$1]");
    this.#report(code, service, path, `${shown}: Invalid value: ${JSON.stringify(value)}: ${detail}`, fix);
  }

  #claimAddress(service: Service, text: string): void {
    const address = parseAddress(text);
    if (address === undefined) return;
    const key = formatAddress(address);
    const other = this.#addresses.get(key);
    if (other !== undefined && other !== service) {
      // Said of the one that a file states: kube-dns may be made.
      const [late, early] = originOf(service) === undefined ? [other, service] : [service, other];
      const who = `${early.metadata.namespace}/${early.metadata.name}`;
      const words = `failed to allocate IP ${text}: provided IP is already allocated, to ${who}`;
      this.#invalid("CLUSTER_IP_TAKEN", late, "spec.clusterIP", text, words);
    } else if (this.#stated && !this.#ranges.some((range) => isAllocatable(range, address))) {
      const ranges = this.#ranges.map(formatCidr).join(", ");
      const words = `failed to allocate IP ${text}: the provided IP (${text}) is not in the valid range. The range of valid IPs is ${ranges}`;
      this.#invalid("CLUSTER_IP_OUTSIDE", service, "spec.clusterIP", text, words);
    }
    this.#addresses.set(key, service);
  }

  #claimNodePort(service: Service, port: number): void {
    if (port === 0) return;
    const other = this.#nodePorts.get(port);
    if (other !== undefined && other !== service) {
      const who = `${other.metadata.namespace}/${other.metadata.name}`;
      const index = service.spec.ports.findIndex(({ nodePort }) => nodePort === port);
      const path = index < 0 ? "spec.healthCheckNodePort" : `spec.ports.${index}.nodePort`;
      this.#invalid("NODE_PORT_TAKEN", service, path, port, `provided port is already allocated, to ${who}`);
    }
    this.#nodePorts.set(port, service);
  }

  /** The Service with all that was left to the allocators; the same object when nothing was. */
  complete(service: Service): Service {
    const { spec } = service;
    if (spec.type === "ExternalName")
      return spec.clusterIPs.length === 0 ? service : { ...service, spec: { ...spec, clusterIP: "", clusterIPs: [] } };
    const ipFamilies = this.#families(service);
    const clusterIPs = this.#clusterIPs(service, ipFamilies);
    const ports = this.#ports(service);
    const healthCheckNodePort = this.#healthCheckNodePort(service);
    const ingress = this.#ingress(service, ipFamilies);
    const same =
      ipFamilies === spec.ipFamilies &&
      clusterIPs === spec.clusterIPs &&
      ports === spec.ports &&
      healthCheckNodePort === spec.healthCheckNodePort &&
      ingress === service.status.loadBalancer.ingress;
    if (same) return service;
    return {
      ...service,
      spec: { ...spec, clusterIP: clusterIPs[0] ?? "", clusterIPs, ipFamilies, ports, healthCheckNodePort },
      status: { loadBalancer: { ingress } },
    };
  }

  /** pkg/registry/core/service/storage/alloc.go (initIPFamilyFields). */
  #families(service: Service): readonly IPFamily[] {
    const { spec } = service;
    const available = this.#ranges.map((range): IPFamily => (isIPv4(range.base) ? "IPv4" : "IPv6"));
    const dual = spec.ipFamilyPolicy === "PreferDualStack" || spec.ipFamilyPolicy === "RequireDualStack";
    if (spec.ipFamilyPolicy === "RequireDualStack" && available.length < 2) {
      const detail = "this cluster is not configured for dual-stack services";
      this.#invalid("BAD_VALUE", service, "spec.ipFamilyPolicy", spec.ipFamilyPolicy, detail, dualStackFix);
    }
    const wanted = spec.ipFamilies.length > 0 ? spec.ipFamilies : available.slice(0, 1);
    const completed = dual ? [...wanted, ...available.filter((family) => !wanted.includes(family))] : wanted;
    return completed.length === spec.ipFamilies.length ? spec.ipFamilies : completed;
  }

  #clusterIPs(service: Service, families: readonly IPFamily[]): readonly string[] {
    const { spec } = service;
    if (spec.clusterIP === "None") return spec.clusterIPs.length > 0 ? spec.clusterIPs : ["None"];
    const missing = families.slice(spec.clusterIPs.length);
    if (missing.length === 0) return spec.clusterIPs;
    return [...spec.clusterIPs, ...missing.flatMap((family) => this.#allocateAddress(service, family) ?? [])];
  }

  #allocateAddress(service: Service, family: IPFamily): string | undefined {
    const range = this.#ranges.find((candidate) => isIPv4(candidate.base) === (family === "IPv4"));
    if (range === undefined) {
      const detail = "not configured on this cluster";
      if (service.spec.ipFamilyPolicy !== "RequireDualStack") {
        this.#invalid("BAD_VALUE", service, "spec.ipFamilies", family, detail, dualStackFix);
      }
      return undefined;
    }
    // The network's and, in IPv4, the broadcast address are nobody's; IPv6 ranges are used up to 2^16 addresses.
    const size = Math.min(sizeOf(range), 2 ** 20) - (family === "IPv4" ? 1 : 0);
    const staticBand = Math.min(Math.max(16, Math.floor(size / 16)), 256);
    const first = size > staticBand + 16 ? staticBand : 1;
    const key = `${service.metadata.namespace}/${service.metadata.name}`;
    const isFree = (offset: number): boolean => !this.#addresses.has(formatAddress(nthAddress(range, offset)));
    const found = probe(key, { least: 1, first, end: size }, isFree);
    if (found === undefined) {
      this.#report(
        "ADDRESSES_EXHAUSTED",
        service,
        "spec.clusterIP",
        `the service CIDR ${formatCidr(range)} is used up`,
      );
      return undefined;
    }
    const text = formatAddress(nthAddress(range, found));
    this.#addresses.set(text, service);
    this.#assumptions.add(
      "cluster-ips",
      "Services without a clusterIP have one that follows from their name",
      "spec.clusterIP",
    );
    return text;
  }

  #ports(service: Service): readonly ServicePort[] {
    const { spec } = service;
    const wants = spec.type === "NodePort" || (spec.type === "LoadBalancer" && spec.allocateLoadBalancerNodePorts);
    if (!wants || spec.ports.every(({ nodePort }) => nodePort !== 0)) return spec.ports;
    // Ports of one number share a nodePort, as TCP and UDP of a DNS server: alloc.go (initNodePorts).
    const byNumber = new Map<number, number>();
    for (const { port, nodePort } of spec.ports)
      if (nodePort !== 0 && !byNumber.has(port)) byNumber.set(port, nodePort);
    return spec.ports.map((port) => {
      if (port.nodePort !== 0) return port;
      const nodePort = byNumber.get(port.port) ?? this.#allocateNodePort(service, port.name || String(port.port));
      byNumber.set(port.port, nodePort);
      return { ...port, nodePort };
    });
  }

  #healthCheckNodePort(service: Service): number {
    const { spec } = service;
    const wants =
      spec.type === "LoadBalancer" && spec.externalTrafficPolicy === "Local" && spec.healthCheckNodePort === 0;
    return wants ? this.#allocateNodePort(service, "health check") : spec.healthCheckNodePort;
  }

  #allocateNodePort(service: Service, what: string): number {
    const key = `${service.metadata.namespace}/${service.metadata.name}:${what}`;
    const band = { least: 0, first: nodePortStaticBand, end: nodePortCount };
    const found = probe(key, band, (offset) => !this.#nodePorts.has(nodePortBase + offset));
    if (found === undefined) {
      this.#report("ADDRESSES_EXHAUSTED", service, "spec.ports", "all node ports from 30000 to 32767 are used up");
      return 0;
    }
    this.#nodePorts.set(nodePortBase + found, service);
    this.#assumptions.add(
      "node-ports",
      "ports without a nodePort have one that follows from the Service's name",
      "spec.ports[].nodePort",
    );
    return nodePortBase + found;
  }

  /** Without a status an outside load balancer is assumed that hands packets to the nodes unchanged. */
  #ingress(service: Service, families: readonly IPFamily[]): Service["status"]["loadBalancer"]["ingress"] {
    const { ingress } = service.status.loadBalancer;
    // The cloud's service controller empties what is left of an earlier type (syncLoadBalancerIfNeeded).
    if (service.spec.type !== "LoadBalancer") return ingress.length === 0 ? ingress : [];
    if (ingress.length > 0) return ingress;
    const key = `${service.metadata.namespace}/${service.metadata.name}`;
    const made = families.flatMap((family) => {
      const range = family === "IPv4" ? loadBalancerRange : loadBalancerRangeIPv6;
      const at = (offset: number): string => formatAddress(nthAddress(range, offset));
      const isFree = (offset: number): boolean => !this.#loadBalancerIPs.has(at(offset));
      const found = probe(key, { least: 1, first: 1, end: sizeOf(range) - 1 }, isFree);
      if (found === undefined) return [];
      this.#loadBalancerIPs.add(at(found));
      return [{ ip: at(found) }];
    });
    this.#assumptions.add(
      "load-balancer",
      `load balancers without an address have one of ${formatCidr(loadBalancerRange)}`,
      "status.loadBalancer.ingress",
    );
    return made;
  }
}

/** Neither the network's own address nor, in IPv4, the last one can be given. ipallocator (New). */
function isAllocatable(range: Cidr, address: Address): boolean {
  if (!contains(range, address)) return false;
  const offset = BigInt(address) - BigInt(range.base);
  return offset > 0n && (!isIPv4(range.base) || offset < BigInt(sizeOf(range)) - 1n);
}

/**
 * The first free offset from a place that follows from `key`, going round from `first` to before `end`; when all are
 * taken, one of the static band from `least` on.
 */
function probe(
  key: string,
  { least, first, end }: { readonly least: number; readonly first: number; readonly end: number },
  isFree: (offset: number) => boolean,
): number | undefined {
  const count = end - first;
  const start = mixed32(key) % count;
  for (let step = 0; step < count; step++) {
    const offset = first + ((start + step) % count);
    if (isFree(offset)) return offset;
  }
  for (let offset = least; offset < first; offset++) if (isFree(offset)) return offset;
  return undefined;
}
