import { readFileSync, readdirSync } from "node:fs";
import type { EndpointSlice, ObjectMeta, Protocol, Service } from "../../src/cluster/objects.ts";
import { cidrDetector } from "../../src/proxy/local-detector.ts";
import { type ProxyNode, type ProxyOptions, proxyOptions } from "../../src/proxy/proxier.ts";
import type { ProxyObjects } from "../../src/proxy/tracker.ts";
import { type Family, address } from "../../src/wire/address.ts";

/*
 * The recorded cases of test/referee/kube-proxy. Inputs are translated by hand here, not by src/cluster, so that
 * these tests judge the proxiers alone.
 */

const root = new URL("../referee/kube-proxy/", import.meta.url);

/** Names of the recorded cases with one sync per family; `m-updates` is a sequence of its own. */
export const recordedCases: readonly string[] = readdirSync(new URL("expected/", root))
  .filter((file) => file.endsWith(".iptables.txt") && !file.startsWith("m-updates"))
  .map((file) => file.replace(".iptables.txt", ""));

/** The sections of a recorded file by the first word of their `####` headings, one map per sync (`########`). */
export function expectedSyncs(name: string, mode: string): ReadonlyMap<string, string>[] {
  const text = readFileSync(new URL(`expected/${name}.${mode}.txt`, root), "utf8");
  return text
    .split(/^########.*\n/m)
    .map((part) => {
      const sections = part.split(/^#### (.*)\n/m).slice(1);
      const pairs = sections.flatMap((heading, index): [string, string][] =>
        index % 2 === 0 ? [[heading.split(" ")[0] as string, sections[index + 1] as string]] : [],
      );
      return new Map(pairs);
    })
    .filter((sections) => sections.size > 0);
}

/** The sections of a sync to compare with: events are a set. */
export function expectedSections(sync: ReadonlyMap<string, string>): Record<string, string> {
  return { ...Object.fromEntries(sync), events: sortedLines((sync.get("events") ?? "").split("\n")) };
}

export function sortedLines(lines: readonly string[]): string {
  return lines
    .filter((line) => line !== "")
    .sort()
    .join("\n");
}

interface ApiObject {
  readonly kind: string;
  readonly metadata: Pick<ObjectMeta, "name"> & Partial<ObjectMeta>;
  readonly spec?: Partial<Service["spec"]> & {
    readonly sessionAffinityConfig?: { readonly clientIP: { readonly timeoutSeconds: number } };
  };
  readonly status?: Partial<Service["status"]>;
  readonly addressType?: EndpointSlice["addressType"];
  readonly ports?: readonly { readonly name?: string; readonly port?: number; readonly protocol?: Protocol }[];
  readonly endpoints?: readonly (Omit<EndpointSlice["endpoints"][number], "hints"> & {
    readonly hints?: { readonly forZones: readonly { readonly name: string }[] };
  })[];
}

/** An input of the recorded cases. */
export interface RecordedInput {
  readonly objects: ProxyObjects;
  /** `Kind namespace/name` of objects to delete (annotation kpo/delete). */
  readonly deleted: readonly string[];
  readonly nodeLabels: Readonly<Record<string, string>>;
}

export function recordedInput(name: string): RecordedInput {
  return readInput(new URL(`inputs/${name}.json`, root), "node-a");
}

/** The `input.json` of a kernel case, for one of its nodes. */
export function kernelInput(name: string, node: string): RecordedInput {
  return readInput(new URL(`../kernel/${name}/input.json`, root), node);
}

function readInput(file: URL, node: string): RecordedInput {
  const text = readFileSync(file, "utf8");
  const { items } = JSON.parse(text) as { items: readonly ApiObject[] };
  const isDeleted = ({ metadata }: ApiObject): boolean => metadata.annotations?.["kpo/delete"] === "true";
  const present = items.filter((item) => !isDeleted(item));
  const self = present.find(({ kind, metadata }) => kind === "Node" && metadata.name === node);
  return {
    objects: {
      services: present.filter(({ kind }) => kind === "Service").map(service),
      endpointSlices: present.filter(({ kind }) => kind === "EndpointSlice").map(endpointSlice),
      ownerOf,
    },
    deleted: items.filter(isDeleted).map(({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`),
    nodeLabels: self?.metadata.labels ?? {},
  };
}

/** The objects after an update on top of others: replaced, added, deleted. */
export function updated(objects: ProxyObjects, update: RecordedInput): ProxyObjects {
  const merge = <T extends Service | EndpointSlice>(old: readonly T[], changed: readonly T[]): T[] => {
    const all = new Map([...old, ...changed].map((object) => [nameOf(object), object]));
    for (const name of update.deleted) all.delete(name);
    return [...all.values()];
  };
  return {
    services: merge(objects.services, update.objects.services),
    endpointSlices: merge(objects.endpointSlices, update.objects.endpointSlices),
    ownerOf,
  };
}

function nameOf({ kind, metadata }: Service | EndpointSlice): string {
  return `${kind} ${metadata.namespace}/${metadata.name}`;
}

export const ownerOf: ProxyObjects["ownerOf"] = ({ kind, metadata }) => ({
  kind,
  namespace: metadata.namespace,
  name: metadata.name,
});

/** The node and the options of the recordings. */
export function recordedNode(labels: Readonly<Record<string, string>>): ProxyNode {
  const own = { ipv4: address("192.168.0.1"), ipv6: address("fd00:192::1") };
  return {
    name: "node-a",
    labels,
    nodeIPs: own,
    addresses: [
      { device: "lo", address: address("127.0.0.1") },
      { device: "lo", address: address("::1") },
      { device: "eth0", address: own.ipv4 },
      { device: "eth0", address: own.ipv6 },
    ],
  };
}

export function recordedOptions(family: Family): ProxyOptions {
  return proxyOptions({ family, detector: cidrDetector(["10.244.0.0/16", "fd00:10:244::/48"], family) });
}

function meta({ name, namespace = "", labels = {}, annotations = {} }: ApiObject["metadata"]): ObjectMeta {
  return { name, namespace, labels, annotations };
}

/** With the API server's defaults. */
export function service({ metadata, spec = {}, status = {} }: Omit<ApiObject, "kind">): Service {
  const { sessionAffinityConfig, clusterIP = "", ports = [], ...rest } = spec;
  return {
    kind: "Service",
    metadata: meta(metadata),
    spec: {
      type: "ClusterIP",
      clusterIP,
      clusterIPs: clusterIP === "" ? [] : [clusterIP],
      ipFamilies: [],
      externalIPs: [],
      sessionAffinity: "None",
      sessionAffinityTimeoutSeconds: sessionAffinityConfig?.clientIP.timeoutSeconds ?? 10800,
      externalTrafficPolicy: "Cluster",
      internalTrafficPolicy: "Cluster",
      loadBalancerSourceRanges: [],
      healthCheckNodePort: 0,
      allocateLoadBalancerNodePorts: true,
      publishNotReadyAddresses: false,
      ...rest,
      ports: ports.map((port) => ({ ...port, name: port.name ?? "", nodePort: port.nodePort ?? 0 })),
    },
    status: { loadBalancer: { ingress: status.loadBalancer?.ingress ?? [] } },
  };
}

function endpointSlice({ metadata, addressType = "IPv4", ports = [], endpoints = [] }: ApiObject): EndpointSlice {
  return {
    kind: "EndpointSlice",
    metadata: meta(metadata),
    addressType,
    ports: ports.map((port) => ({ protocol: "TCP", ...port })),
    endpoints: endpoints.map(({ hints, ...endpoint }) => ({
      ...endpoint,
      ...(hints && { hints: { forZones: hints.forZones.map(({ name }) => name) } }),
    })),
  };
}
