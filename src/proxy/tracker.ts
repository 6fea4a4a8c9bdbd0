import type { EndpointSlice, Service } from "../cluster/objects.ts";
import { type Categorized, categorize, dependsOnNode } from "./categorize.ts";
import type { Family } from "../wire/address.ts";
import { type Endpoint, type EndpointContext, endpointsOf, serviceNameLabel } from "./endpoints.ts";
import { type OwnerOf, type ServicePort, compareText, servicePorts } from "./service-port.ts";

/** What a proxier watches. */
export interface ProxyObjects {
  readonly services: readonly Service[];
  readonly endpointSlices: readonly EndpointSlice[];
  readonly ownerOf: OwnerOf<Service | EndpointSlice>;
  /** When the proxier looks; absent: long after the last time. */
  readonly nowNanos?: number;
  /** A sync is due even if nothing has changed: kube-proxy does one every hour. */
  readonly isDue?: boolean;
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
  /** Text of the context it was made in. */
  readonly context: string;
  /** Ordered by namespace and name. */
  readonly services: readonly TrackedService[];
  /** Endpoints of all service ports, ready or not. */
  readonly endpointCount: number;
  /** Services with a health check nodePort, by key: what their health check server does, in words. */
  readonly healthChecks: ReadonlyMap<string, string>;
}

/**
 * A Service name under which something changed since the previous sync; no ports before or after where the Service
 * came or went. Endpoints are known by their slices, whether or not there is a Service for them.
 */
export interface ServiceChange {
  readonly key: string;
  readonly before: readonly TrackedPort[];
  readonly after: readonly TrackedPort[];
  readonly slicesBefore: readonly EndpointSlice[];
  readonly slicesAfter: readonly EndpointSlice[];
}

/** What the translation depends on besides the objects. */
export interface TrackingContext extends Omit<EndpointContext, "ownerOf"> {
  readonly nodeLabels: Readonly<Record<string, string>>;
}

/**
 * Translates Services and EndpointSlices for a node. With the map of the previous sync only what is not the same
 * object any more is translated again; in another context (a node label changed) everything is.
 */
export function track(
  objects: ProxyObjects,
  context: TrackingContext,
  previous?: ServiceMap,
): { readonly map: ServiceMap; readonly changes: readonly ServiceChange[] } {
  const contextText = JSON.stringify([context.family, context.nodeName, context.nodeLabels, context.release]);
  if (previous === undefined) return trackFirst(objects, context, contextText);
  const old = previous.services;
  const services = difference(previous.objects.services, objects.services);
  const slices = difference(previous.objects.endpointSlices, objects.endpointSlices);
  const isNewContext = previous.context !== contextText;
  const touched = new Set(isNewContext ? old.map(({ key }) => key) : []);
  const addedServices = new Map<string, Service>();
  const addedSlices = new Map<string, EndpointSlice[]>();
  for (const service of services.removed) touched.add(serviceKey(service));
  for (const slice of slices.removed) touch(touched, sliceKey(slice, context.family));
  for (const service of services.added) {
    touched.add(serviceKey(service));
    addedServices.set(serviceKey(service), service);
  }
  for (const slice of slices.added) {
    const key = sliceKey(slice, context.family);
    if (key === undefined) continue;
    touched.add(key);
    const list = addedSlices.get(key);
    if (list === undefined) addedSlices.set(key, [slice]);
    else list.push(slice);
  }
  const goneServices = new Set(services.removed);
  const goneSlices = new Set(slices.removed);

  const tracked: TrackedService[] = [];
  const changes: ServiceChange[] = [];
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
    const { ports } = translate(service, own, { ...context, ownerOf: objects.ownerOf });
    const same =
      before !== undefined && !isNewContext && samePorts(before.ports, ports) && sameSlices(before.slices, own);
    if (!same) {
      changes.push({
        key,
        before: before?.ports ?? [],
        after: ports,
        slicesBefore: before?.slices ?? [],
        slicesAfter: own,
      });
    }
    if (service === undefined && own.length === 0) continue;
    tracked.push({ key, service, slices: own, ports: same ? before.ports : ports });
  }
  while (next < old.length) tracked.push(old[next++] as TrackedService);
  let { endpointCount } = previous;
  for (const { before, after } of changes) endpointCount += countEndpoints(after) - countEndpoints(before);
  const healthChecks = updatedHealthChecks(previous.healthChecks, changes);
  return { map: { objects, context: contextText, services: tracked, endpointCount, healthChecks }, changes };
}

/** What the first syncs of all nodes have in common, so that the hundredth costs little. */
interface Start {
  readonly slices: readonly EndpointSlice[];
  readonly release: number;
  readonly ownerOf: ProxyObjects["ownerOf"];
  readonly services: readonly TrackedService[];
  /** Where in them those stand whose endpoints depend on the node. */
  readonly dependent: readonly number[];
  readonly changes: readonly ServiceChange[];
  readonly endpointCount: number;
  readonly healthChecks: ReadonlyMap<string, string>;
}

const starts = new WeakMap<readonly Service[], Map<Family, Start>>();

function trackFirst(
  objects: ProxyObjects,
  context: TrackingContext,
  contextText: string,
): { readonly map: ServiceMap; readonly changes: readonly ServiceChange[] } {
  const start = startOf(objects, context);
  const { endpointCount, healthChecks } = start;
  const made = { objects, context: contextText, endpointCount, healthChecks };
  if (start.dependent.length === 0) {
    return { map: { ...made, services: start.services }, changes: start.changes };
  }
  const services = start.services.slice();
  const changes = start.changes.slice();
  for (const at of start.dependent) {
    const { service, slices, key } = services[at] as TrackedService;
    const { ports } = translate(service, slices, { ...context, ownerOf: objects.ownerOf });
    services[at] = { key, service, slices, ports };
    changes[at] = appeared(services[at] as TrackedService);
  }
  return { map: { ...made, services }, changes };
}

function startOf(objects: ProxyObjects, context: TrackingContext): Start {
  const { family, release } = context;
  const { ownerOf, endpointSlices } = objects;
  const known = starts.get(objects.services) ?? new Map<Family, Start>();
  starts.set(objects.services, known);
  const before = known.get(family);
  if (before?.slices === endpointSlices && before.release === release && before.ownerOf === ownerOf) return before;

  const byKey = new Map<string, { service: Service | undefined; readonly slices: EndpointSlice[] }>();
  for (const service of objects.services) byKey.set(serviceKey(service), { service, slices: [] });
  for (const slice of endpointSlices) {
    const key = sliceKey(slice, family);
    if (key === undefined) continue;
    const entry = byKey.get(key);
    if (entry === undefined) byKey.set(key, { service: undefined, slices: [slice] });
    else entry.slices.push(slice);
  }
  const services: TrackedService[] = [];
  const dependent: number[] = [];
  for (const key of [...byKey.keys()].sort(compareText)) {
    const { service, slices } = byKey.get(key) as { service: Service | undefined; readonly slices: EndpointSlice[] };
    if (slices.length > 1) slices.sort((a, b) => compareText(a.metadata.name, b.metadata.name));
    const { ports, isShared } = translate(service, slices, { ...context, ownerOf });
    if (!isShared) dependent.push(services.length);
    services.push({ key, service, slices, ports });
  }
  const changes = services.map(appeared);
  const endpointCount = services.reduce((sum, { ports }) => sum + countEndpoints(ports), 0);
  const healthChecks = updatedHealthChecks(new Map(), changes);
  const start: Start = {
    slices: endpointSlices,
    release,
    ownerOf,
    services,
    dependent,
    changes,
    endpointCount,
    healthChecks,
  };
  known.set(family, start);
  return start;
}

function appeared({ key, ports, slices }: TrackedService): ServiceChange {
  return { key, before: [], after: ports, slicesBefore: [], slicesAfter: slices };
}

function countEndpoints(ports: readonly TrackedPort[]): number {
  return ports.reduce((count, { endpoints }) => count + endpoints.length, 0);
}

function updatedHealthChecks(
  previous: ReadonlyMap<string, string>,
  changes: readonly ServiceChange[],
): ReadonlyMap<string, string> {
  const has = ({ port }: TrackedPort): boolean => port.healthCheckNodePort !== 0;
  const relevant = changes.filter(({ before, after }) => before.some(has) || after.some(has));
  if (relevant.length === 0) return previous;
  const checks = new Map(previous);
  for (const { key, after } of relevant) {
    const port = after.find(has)?.port;
    if (port === undefined) checks.delete(key);
    else checks.set(key, `health check server: ${port.namespace}/${port.name} -> port ${port.healthCheckNodePort}`);
  }
  return checks;
}

/**
 * A value per Service: those of Services whose ports are still the same are taken over from the previous sync.
 * `gone` gets the values that are replaced or whose Service went away.
 */
export function carryOver<T>(
  previous: { readonly services: readonly TrackedService[]; readonly values: readonly T[] },
  services: readonly TrackedService[],
  make: (service: TrackedService) => T,
  gone: (value: T) => void,
): T[] {
  const values: T[] = [];
  let at = 0;
  for (const service of services) {
    // Most are the same object as before, and then nothing of it needs to be looked at.
    if (previous.services[at] === service) {
      values.push(previous.values[at++] as T);
      continue;
    }
    while (at < previous.services.length && (previous.services[at] as TrackedService).key < service.key) {
      gone(previous.values[at++] as T);
    }
    const before = previous.services[at];
    if (before?.key !== service.key) values.push(make(service));
    else {
      const value = previous.values[at++] as T;
      if (before.ports === service.ports) values.push(value);
      else {
        gone(value);
        values.push(make(service));
      }
    }
  }
  while (at < previous.services.length) gone(previous.values[at++] as T);
  return values;
}

/** The ports of a Service, and whether they are the same on every node. */
interface Translated {
  readonly ports: readonly TrackedPort[];
  readonly isShared: boolean;
}

/** Ports that are, with what they were made from. */
interface Translation extends Translated {
  readonly slices: readonly EndpointSlice[];
  readonly family: Family;
  readonly release: number;
  readonly ownerOf: ProxyObjects["ownerOf"];
}

const translations = new WeakMap<Service, Translation>();

function translate(
  service: Service | undefined,
  slices: readonly EndpointSlice[],
  context: TrackingContext & Pick<ProxyObjects, "ownerOf">,
): Translated {
  if (service === undefined) return { ports: [], isShared: true };
  const { family, release, ownerOf } = context;
  const known = translations.get(service);
  if (known?.family === family && known.release === release && known.ownerOf === ownerOf) {
    const { slices: same } = known;
    if (same.length === slices.length && same.every((slice, index) => slice === slices[index])) return known;
  }
  let isShared = true;
  const ports = servicePorts(service, family, ownerOf).map((port) => {
    const { endpoints, hadDuplicates } = endpointsOf(port, slices, context);
    if (hadDuplicates || dependsOnNode(endpoints, port)) isShared = false;
    return { port, endpoints, chosen: categorize(endpoints, port, context) };
  });
  if (!isShared) return { ports, isShared };
  const translation = { ports, isShared, slices, family, release, ownerOf };
  translations.set(service, translation);
  return translation;
}

function serviceKey({ metadata }: Service): string {
  return `${metadata.namespace}\0${metadata.name}`;
}

/** Undefined for slices that the proxier of this family does not get to see. pkg/proxy/metaproxier.go. */
function sliceKey({ metadata, addressType }: EndpointSlice, family: Family): string | undefined {
  const name = metadata.labels[serviceNameLabel];
  if (name === undefined || name === "" || addressType.toLowerCase() !== family) return undefined;
  return `${metadata.namespace}\0${name}`;
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

/** Equal as kube-proxy compares Services: by what it makes of them. servicechangetracker.go (Update). */
function samePorts(a: readonly TrackedPort[], b: readonly TrackedPort[]): boolean {
  return a.length === b.length && JSON.stringify(a, onlyPorts) === JSON.stringify(b, onlyPorts);
}

function onlyPorts(key: string, value: unknown): unknown {
  return key === "owner" || key === "chosen" || key === "endpoints" ? undefined : value;
}

/**
 * Equal as kube-proxy compares slices: by what it keeps of each. Endpoints that move from one slice to another are a
 * change, though the endpoints of the Service stay the same. endpointslicecache.go (esDataChanged).
 */
function sameSlices(a: readonly EndpointSlice[], b: readonly EndpointSlice[]): boolean {
  const same = (one: EndpointSlice, other: EndpointSlice | undefined): boolean =>
    one === other || (other !== undefined && keptText(one) === keptText(other));
  return a.length === b.length && a.every((slice, index) => same(slice, b[index]));
}

/** endpointslicecache.go (newEndpointSliceInfo): nothing but this, in an order of its own. */
function keptText({ metadata, ports, endpoints }: EndpointSlice): string {
  const kept = endpoints.map(({ addresses, conditions, nodeName, zone, hints }) =>
    JSON.stringify([
      addresses,
      conditions.ready ?? true,
      conditions.serving ?? true,
      conditions.terminating ?? false,
      nodeName,
      zone,
      [...(hints?.forZones ?? [])].sort(compareText),
      hints?.forNodes,
    ]),
  );
  return JSON.stringify([metadata.name, [...ports].sort(byNumber), kept.sort(compareText)]);
}

function byNumber(a: EndpointSlice["ports"][number], b: EndpointSlice["ports"][number]): number {
  return (a.port ?? 0) - (b.port ?? 0);
}
