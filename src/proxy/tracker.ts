import type { EndpointSlice, Service } from "../cluster/objects.ts";
import { type Categorized, categorize } from "./categorize.ts";
import { type Endpoint, type EndpointContext, endpointsOf, serviceNameLabel } from "./endpoints.ts";
import { type OwnerOf, type ServicePort, compareText, servicePorts } from "./service-port.ts";

/** What a proxier watches. */
export interface ProxyObjects {
  readonly services: readonly Service[];
  readonly endpointSlices: readonly EndpointSlice[];
  readonly ownerOf: OwnerOf<Service | EndpointSlice>;
}

/** A service port with its endpoints, and which of them the node uses. */
export interface TrackedPort {
  readonly port: ServicePort;
  readonly endpoints: readonly Endpoint[];
  readonly chosen: Categorized;
}

/** A Service name with all that is known under it. Slices may exist without their Service. */
export interface TrackedService {
  /** Namespace and name, joined so that text order is the order of the pair. */
  readonly key: string;
  readonly service: Service | undefined;
  readonly slices: readonly EndpointSlice[];
  /** The same array as before when nothing that a proxier looks at has changed. */
  readonly ports: readonly TrackedPort[];
}

/** What proxiers know of the cluster, by Service: immutable, each sync makes the next one. */
export interface ServiceMap {
  readonly objects: ProxyObjects;
  /** Ordered by namespace and name. */
  readonly services: readonly TrackedService[];
}

/** What the translation depends on besides the objects. */
export interface TrackingContext extends Omit<EndpointContext, "ownerOf"> {
  readonly nodeLabels: Readonly<Record<string, string>>;
}

/**
 * Translates Services and EndpointSlices for a node. With the map of the previous sync (made in the same context)
 * only what is not the same object any more is translated again.
 */
export function track(objects: ProxyObjects, context: TrackingContext, previous?: ServiceMap): ServiceMap {
  const old = previous?.services ?? [];
  const services = difference(previous?.objects.services ?? [], objects.services);
  const slices = difference(previous?.objects.endpointSlices ?? [], objects.endpointSlices);
  const touched = new Set<string>();
  const addedServices = new Map<string, Service>();
  const addedSlices = new Map<string, EndpointSlice[]>();
  for (const service of services.removed) touched.add(serviceKey(service));
  for (const slice of slices.removed) touch(touched, sliceKey(slice));
  for (const service of services.added) {
    touched.add(serviceKey(service));
    addedServices.set(serviceKey(service), service);
  }
  for (const slice of slices.added) {
    const key = sliceKey(slice);
    if (key === undefined) continue;
    touched.add(key);
    const list = addedSlices.get(key);
    if (list === undefined) addedSlices.set(key, [slice]);
    else list.push(slice);
  }
  const goneServices = new Set(services.removed);
  const goneSlices = new Set(slices.removed);

  const tracked: TrackedService[] = [];
  let next = 0;
  for (const key of [...touched].sort(compareText)) {
    const at = lowerBound(old, key, next);
    while (next < at) tracked.push(old[next++] as TrackedService);
    const before = old[at]?.key === key ? old[at] : undefined;
    if (before !== undefined) next = at + 1;
    const kept = before?.service !== undefined && !goneServices.has(before.service) ? before.service : undefined;
    const service = addedServices.get(key) ?? kept;
    const own = [...(before?.slices.filter((slice) => !goneSlices.has(slice)) ?? []), ...(addedSlices.get(key) ?? [])];
    own.sort((a, b) => compareText(a.metadata.name, b.metadata.name));
    if (service === undefined && own.length === 0) continue;
    const ports = translate(service, own, { ...context, ownerOf: objects.ownerOf });
    const same = before !== undefined && sameData(before.ports, ports);
    tracked.push({ key, service, slices: own, ports: same ? before.ports : ports });
  }
  while (next < old.length) tracked.push(old[next++] as TrackedService);
  return { objects, services: tracked };
}

/**
 * A value per Service: those of Services whose ports are still the same are taken over from the previous sync.
 * `make` gets the previous value of a Service that changed; `gone` those of Services that went away.
 */
export function carryOver<T>(
  previous: { readonly services: readonly TrackedService[]; readonly values: readonly T[] },
  services: readonly TrackedService[],
  make: (service: TrackedService, before: TrackedService | undefined, value: T | undefined) => T,
  gone: (before: TrackedService, value: T) => void,
): T[] {
  const values: T[] = [];
  let at = 0;
  const skipTo = (key: string): void => {
    for (; at < previous.services.length; at++) {
      const before = previous.services[at] as TrackedService;
      if (before.key >= key) return;
      gone(before, previous.values[at] as T);
    }
  };
  for (const service of services) {
    let before = previous.services[at];
    if (before !== undefined && before.key < service.key) {
      skipTo(service.key);
      before = previous.services[at];
    }
    if (before === undefined || before.key > service.key) values.push(make(service, undefined, undefined));
    else {
      const value = previous.values[at++] as T;
      values.push(before.ports === service.ports ? value : make(service, before, value));
    }
  }
  skipTo("\uffff");
  return values;
}

function translate(
  service: Service | undefined,
  slices: readonly EndpointSlice[],
  context: EndpointContext & TrackingContext,
): TrackedPort[] {
  if (service === undefined) return [];
  return servicePorts(service, context.family, context.ownerOf as OwnerOf<Service | EndpointSlice>).map((port) => {
    const endpoints = endpointsOf(port, slices, context);
    return { port, endpoints, chosen: categorize(endpoints, port, context.nodeLabels) };
  });
}

function serviceKey({ metadata }: Service): string {
  return `${metadata.namespace}\0${metadata.name}`;
}

function sliceKey({ metadata }: EndpointSlice): string | undefined {
  const name = metadata.labels[serviceNameLabel];
  return name === undefined || name === "" ? undefined : `${metadata.namespace}\0${name}`;
}

function touch(keys: Set<string>, key: string | undefined): void {
  if (key !== undefined) keys.add(key);
}

/**
 * What left and what joined an immutable list. The lists are compared by object identity from both ends, so that
 * one edit among thousands costs a walk and no lookups.
 */
function difference<T>(before: readonly T[], after: readonly T[]): { readonly removed: T[]; readonly added: T[] } {
  if (before === after) return { removed: [], added: [] };
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  let end = 0;
  const most = Math.min(before.length, after.length) - start;
  while (end < most && before[before.length - 1 - end] === after[after.length - 1 - end]) end++;
  const removed = before.slice(start, before.length - end);
  const added = after.slice(start, after.length - end);
  if (removed.length === 0 || added.length === 0) return { removed, added };
  const kept = new Set(removed);
  const stays = new Set(added.filter((item) => kept.has(item)));
  return {
    removed: removed.filter((item) => !stays.has(item)),
    added: added.filter((item) => !stays.has(item)),
  };
}

function lowerBound(services: readonly TrackedService[], key: string, from: number): number {
  let low = from;
  let high = services.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((services[middle] as TrackedService).key < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Equal as kube-proxy compares: an update that changes nothing it looks at causes no sync. */
function sameData(a: readonly TrackedPort[], b: readonly TrackedPort[]): boolean {
  return JSON.stringify(a, withoutOwners) === JSON.stringify(b, withoutOwners);
}

function withoutOwners(key: string, value: unknown): unknown {
  return key === "owner" || key === "chosen" ? undefined : value;
}
