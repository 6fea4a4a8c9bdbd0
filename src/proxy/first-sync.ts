import type { EndpointSlice, Service } from "../cluster/objects.ts";
import type { Family } from "../wire/address.ts";
import { updatedHealthChecks } from "./health-checks.ts";
import { compareText } from "./service-port.ts";
import type { ProxyObjects, ServiceChange, ServiceMap, TrackedService, TrackingContext } from "./tracker.ts";
import { countEndpoints, serviceKey, sliceKey, translate } from "./translate.ts";

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

/** The first sync of a node. What does not depend on the node is worked out once for all of them. */
export function trackFirst(
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
