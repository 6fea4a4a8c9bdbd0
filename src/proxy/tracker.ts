import type { EndpointSlice, Service } from "../cluster/objects.ts";
import type { Categorized } from "./categorize.ts";
import type { Endpoint, EndpointContext } from "./endpoints.ts";
import { trackFirst } from "./first-sync.ts";
import { updatedHealthChecks } from "./health-checks.ts";
import { samePorts, sameSlices } from "./same.ts";
import { type OwnerOf, type ServicePort, compareText } from "./service-port.ts";
import { countEndpoints, serviceKey, sliceKey, translate } from "./translate.ts";

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

  const edits: Edit[] = [];
  const changes: ServiceChange[] = [];
  for (const key of [...touched].sort(compareText)) {
    const at = lowerBound(old, key);
    const before = old[at]?.key === key ? old[at] : undefined;
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
    const isGone = service === undefined && own.length === 0;
    const after = isGone ? undefined : { key, service, slices: own, ports: same ? before.ports : ports };
    edits.push({ at, replaces: before !== undefined, after });
  }
  const tracked = edited(old, edits);
  let { endpointCount } = previous;
  for (const { before, after } of changes) endpointCount += countEndpoints(after) - countEndpoints(before);
  const healthChecks = updatedHealthChecks(previous.healthChecks, changes);
  return { map: { objects, context: contextText, services: tracked, endpointCount, healthChecks }, changes };
}

/** What becomes of one place of an ordered list: what stood there is replaced or goes, or something comes before it. */
interface Edit {
  readonly at: number;
  readonly replaces: boolean;
  readonly after: TrackedService | undefined;
}

function edited(old: readonly TrackedService[], edits: readonly Edit[]): readonly TrackedService[] {
  if (edits.every(({ replaces, after }) => replaces && after !== undefined)) {
    const services = old.slice();
    for (const { at, after } of edits) services[at] = after as TrackedService;
    return services;
  }
  const services: TrackedService[] = [];
  let next = 0;
  for (const { at, replaces, after } of edits) {
    while (next < at) services.push(old[next++] as TrackedService);
    if (after !== undefined) services.push(after);
    if (replaces) next++;
  }
  while (next < old.length) services.push(old[next++] as TrackedService);
  return services;
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
  // Most are the same object as before, and then nothing of them needs to be looked at.
  let at = 0;
  while (at < services.length && previous.services[at] === services[at]) at++;
  const values = previous.values.slice(0, at);
  for (let next = at; next < services.length; next++) {
    const service = services[next] as TrackedService;
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

function lowerBound(services: readonly TrackedService[], key: string): number {
  let low = 0;
  let high = services.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((services[middle] as TrackedService).key < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
