import { type Labels, matches } from "../../../cluster/selector.ts";
import { type Address, formatAddress, parseAddress } from "../../../wire/address.ts";
import { isReverseName } from "../../names.ts";
import type { ClusterZone, ZoneEndpoint, ZonePort, ZoneService } from "../../zone.ts";
import type { KubernetesOptions } from "./options.ts";
import { type RecordRequest, parseRequest } from "./parse.ts";

/** What the plugin found: one host and port under one name. CoreDNS plugin/etcd/msg (Service). */
export interface BackendRecord {
  /** An address, or a name (of an ExternalName Service). */
  readonly host: Address | string;
  /** The name it stands under, without the zone's: `db-0.db.shop.svc.`. */
  readonly name: string;
  /** -1: declares no port. */
  readonly port: number;
}

/** Records, where the list may be empty (the name exists: NODATA), or nothing by that name (NXDOMAIN). */
export type Found = readonly BackendRecord[] | "no-such-name";

/** Finds back-end records. CoreDNS plugin/kubernetes/kubernetes.go (Records, findPods, findServices). */
export class RecordFinder {
  readonly #options: KubernetesOptions;
  readonly #zone: ClusterZone;

  constructor(options: KubernetesOptions, zone: ClusterZone) {
    this.#options = options;
    this.#zone = zone;
  }

  find(name: string, zone: string): Found {
    const request = parseRequest(name, zone);
    if (request === undefined) return "no-such-name";
    if (request.kind === "") return [];
    if (isReverseName(name)) return "no-such-name";
    if (!this.exposes(request.namespace)) return "no-such-name";
    if (request.service === "")
      return request.kind === "pod" && this.#options.pods === "disabled" ? "no-such-name" : [];
    return request.kind === "pod" ? this.#pods(request) : this.#services(request);
  }

  /** Whether the namespace exists and is among those the stanza lets see. */
  exposes(namespace: string): boolean {
    const { namespaces, namespaceLabels } = this.#options;
    const found = this.#zone.namespace(namespace);
    if (found === undefined || (namespaces !== undefined && !namespaces.has(found.metadata.name))) return false;
    return namespaceLabels === undefined || matches(namespaceLabels, found.metadata.labels);
  }

  #pods({ service: label, namespace }: RecordRequest): Found {
    const { pods } = this.#options;
    if (pods === "disabled") return "no-such-name";
    const dashes = label.split("-").length - 1;
    const text = dashes === 3 && !label.includes("--") ? label.replaceAll("-", ".") : label.replaceAll("-", ":");
    const address = parseAddress(text);
    if (address === undefined) return "no-such-name";
    const record = { host: address, name: `${label}.${namespace}.pod.`, port: 0 };
    if (pods === "insecure") return [record];
    const there = this.#zone.podsWithAddress(text).some((pod) => pod.metadata.namespace.toLowerCase() === namespace);
    return there ? [record] : "no-such-name";
  }

  #services(request: RecordRequest): Found {
    const service = this.#zone.service(request.service, request.namespace);
    if (service === undefined || !this.#sees(service.source.metadata.labels)) return "no-such-name";
    const name = `${service.name}.${service.namespace}.svc.`;
    if (service.externalName !== undefined) {
      // An address there makes no CNAME, so there is nothing by that name. object/service.go, HostType
      const usable = parseAddress(service.externalName) === undefined;
      if (!usable || request.endpoint !== "" || request.port !== "" || request.protocol !== "") return "no-such-name";
      return [{ host: service.externalName, name, port: 0 }];
    }
    if (this.#options.ignoreEmptyService && !service.headless && !this.#hasEndpoint(service)) return "no-such-name";
    const found =
      service.headless || request.endpoint !== ""
        ? this.#endpointRecords(service, request, name)
        : clusterIpRecords(service, request, name);
    return found ?? "no-such-name";
  }

  #hasEndpoint(service: ZoneService): boolean {
    return this.#slices(service).some(({ endpoints }) => endpoints.length > 0);
  }

  #slices(service: ZoneService): ReturnType<ClusterZone["endpoints"]> {
    if (this.#options.noEndpoints) return [];
    return this.#zone.endpoints(service.name.toLowerCase(), service.namespace.toLowerCase());
  }

  #endpointRecords(service: ZoneService, request: RecordRequest, name: string): readonly BackendRecord[] | undefined {
    const records: BackendRecord[] = [];
    for (const { endpoints, ports } of this.#slices(service)) {
      for (const endpoint of endpoints) {
        const label = endpointLabel(endpoint, this.#options.endpointPodNames);
        if (request.endpoint !== "" && request.endpoint !== label.toLowerCase()) continue;
        const host = parseAddress(endpoint.address) ?? endpoint.address;
        for (const port of ports) {
          if (isAskedFor(port, request)) records.push({ host, name: `${label}.${name}`, port: port.port });
        }
      }
    }
    return records.length === 0 ? undefined : records;
  }

  /** Names of the Service, or else of the endpoints, that have this address. kubernetes/reverse.go */
  reverse(address: Address): readonly string[] {
    const text = formatAddress(address);
    const { primaryZone } = this.#options;
    const restricted = this.#options.namespaces !== undefined || this.#options.namespaceLabels !== undefined;
    const visible = (namespace: string): boolean => !restricted || this.exposes(namespace.toLowerCase());
    const service = this.#zone
      .servicesWithAddress(text)
      .find(({ namespace, source }) => visible(namespace) && this.#sees(source.metadata.labels));
    if (service !== undefined) return [`${service.name}.${service.namespace}.svc.${primaryZone}`];
    if (this.#options.noEndpoints) return [];
    return this.#zone
      .endpointsWithAddress(text)
      .filter(({ namespace }) => visible(namespace))
      .flatMap(({ endpoints, service, namespace }) =>
        endpoints
          .filter((endpoint) => endpoint.address === text)
          .map((endpoint) => {
            const label = endpointLabel(endpoint, this.#options.endpointPodNames);
            return `${label}.${service}.${namespace}.svc.${primaryZone}`;
          }),
      );
  }

  /** Names and addresses of the Services that lead to CoreDNS itself. kubernetes/ns.go */
  nameServers(localAddresses: readonly Address[]): readonly BackendRecord[] {
    const slices = localAddresses.flatMap((address) => this.#zone.endpointsWithAddress(formatAddress(address)));
    if (slices.length === 0) return localAddresses.map((host) => ({ host, name: "ns.dns.", port: 0 }));
    return slices.flatMap(({ service: serviceName, namespace, endpoints }): readonly BackendRecord[] => {
      const service = this.#zone.service(serviceName.toLowerCase(), namespace.toLowerCase());
      if (service === undefined) return [];
      const name = `${service.name}.${service.namespace}.svc.`;
      return service.headless
        ? endpoints.map((endpoint) => {
            const label = endpointLabel(endpoint, this.#options.endpointPodNames);
            return { host: parseAddress(endpoint.address) ?? endpoint.address, name: `${label}.${name}`, port: 0 };
          })
        : service.clusterIps.map((ip) => ({ host: parseAddress(ip) ?? ip, name, port: 0 }));
    });
  }

  /** `labels` narrows what the informers list at all. */
  #sees(labels: Labels): boolean {
    return this.#options.labels === undefined || matches(this.#options.labels, labels);
  }
}

function clusterIpRecords(
  service: ZoneService,
  request: RecordRequest,
  name: string,
): readonly BackendRecord[] | undefined {
  const ports = service.ports.filter((port) => isAskedFor(port, request));
  if (ports.length === 0) return undefined;
  return ports.flatMap(({ port }) => service.clusterIps.map((ip) => ({ host: parseAddress(ip) ?? ip, name, port })));
}

function isAskedFor({ name, protocol }: ZonePort, request: RecordRequest): boolean {
  return (
    (request.port === "" || request.port === name.toLowerCase()) &&
    (request.protocol === "" || request.protocol === protocol.toLowerCase())
  );
}

/**
 * The label of an endpoint below its Service: its hostname, or (with `endpoint_pod_names`) its pod's name, or its
 * address with dashes. kubernetes.go (endpointHostname)
 */
export function endpointLabel(endpoint: ZoneEndpoint, podNames: boolean): string {
  if (endpoint.hostname !== "") return endpoint.hostname;
  if (podNames && endpoint.targetName !== "") return endpoint.targetName;
  // A label may not end in a dash.
  return endpoint.address.replace(/[.:]/g, "-").replace(/-$/, "-0");
}
