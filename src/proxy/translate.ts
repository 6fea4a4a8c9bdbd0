import type { EndpointSlice, Service } from "../cluster/objects.ts";
import type { Family } from "../wire/address.ts";
import { categorize, dependsOnNode } from "./categorize.ts";
import { endpointsOf, serviceNameLabel } from "./endpoints.ts";
import { isWatched, servicePorts } from "./service-port.ts";
import type { ProxyObjects, TrackedPort, TrackingContext } from "./tracker.ts";

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

/** The ports of a Service with their endpoints, as a node sees them. */
export function translate(
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

/** Namespace and name, joined so that text order is the order of the pair. */
export function serviceKey({ metadata }: Service): string {
  return `${metadata.namespace}\0${metadata.name}`;
}

/** Undefined for slices that the proxier of this family does not get to see. pkg/proxy/metaproxier.go. */
export function sliceKey(slice: EndpointSlice, family: Family): string | undefined {
  const { metadata, addressType } = slice;
  const name = metadata.labels[serviceNameLabel];
  if (name === undefined || name === "" || addressType.toLowerCase() !== family || !isWatched(slice)) return undefined;
  return `${metadata.namespace}\0${name}`;
}

export function countEndpoints(ports: readonly TrackedPort[]): number {
  return ports.reduce((count, { endpoints }) => count + endpoints.length, 0);
}
