import type { EndpointSlice } from "../cluster/objects.ts";
import type { Owner } from "../trace/records.ts";
import { type Family, address as knownAddress, formatAddress } from "../wire/address.ts";
import { since } from "./release.ts";
import { type OwnerOf, type ServicePort, compareText } from "./service-port.ts";

/** An endpoint of a service port. pkg/proxy/endpoint.go (BaseEndpointInfo). */
export interface Endpoint {
  /** As the slice gives it: kube-proxy 1.30 hashes and prints it so. Later ones take the canonical text. */
  readonly address: string;
  readonly port: number;
  /** `ip:port`, `[ip]:port`. */
  readonly text: string;
  /** Where it runs; undefined: on no node, so it is local nowhere. */
  readonly nodeName: string | undefined;
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  readonly zoneHints: readonly string[];
  readonly nodeHints: readonly string[];
  readonly owner: Owner;
}

export const serviceNameLabel = "kubernetes.io/service-name";

/** What the endpoints of a Service depend on besides its slices. */
export interface EndpointContext {
  readonly family: Family;
  readonly nodeName: string;
  readonly release: number;
  readonly ownerOf: OwnerOf<EndpointSlice>;
}

/**
 * The endpoints of one service port: those of slice ports of its name and protocol, one per `ip:port`, in
 * byte-wise order of that text (10.0.0.10:80 before 10.0.0.1:80). A local duplicate (later: one that is not
 * terminating) replaces an earlier one, another does not. pkg/proxy/endpointslicecache.go (addEndpoints).
 */
export function endpointsOf(
  port: Pick<ServicePort, "portName" | "protocol">,
  slices: readonly EndpointSlice[],
  context: EndpointContext,
): { readonly endpoints: readonly Endpoint[]; readonly hadDuplicates: boolean } {
  const found: Endpoint[] = [];
  for (const slice of slices) {
    for (const slicePort of slice.ports) {
      if (slicePort.port === undefined || slicePort.port === 0) continue;
      if (slicePort.name !== port.portName || slicePort.protocol !== port.protocol) continue;
      pushEndpoints(found, slice, slicePort.port, context);
    }
  }
  const wins = ({ nodeName, terminating }: Endpoint): boolean =>
    context.release < since.readyDuplicateWins ? nodeName === context.nodeName : !terminating;
  found.sort((a, b) => compareText(a.text, b.text));
  const endpoints = withoutDuplicates(found, wins);
  return { endpoints, hadDuplicates: endpoints.length < found.length };
}

function pushEndpoints(endpoints: Endpoint[], slice: EndpointSlice, port: number, context: EndpointContext): void {
  const owner = context.ownerOf(slice);
  const isIPv6 = context.family === "ipv6";
  const isCanonical = context.release >= since.canonicalEndpoints;
  for (const { addresses, conditions, nodeName, hints, targetRef } of slice.endpoints) {
    const given = addresses[0];
    if (given === undefined || given.includes(":") !== isIPv6) continue;
    const address = isIPv6 && isCanonical ? formatAddress(knownAddress(given)) : given;
    const text = isIPv6 ? `[${address}]:${port}` : `${address}:${port}`;
    const detail = targetRef === undefined ? text : `${text} (${targetRef.kind} ${targetRef.name})`;
    endpoints.push({
      address,
      port,
      text,
      nodeName: nodeName === "" ? undefined : nodeName,
      ready: conditions.ready ?? true,
      serving: conditions.serving ?? true,
      terminating: conditions.terminating ?? false,
      zoneHints: hints?.forZones ?? noHints,
      nodeHints: hints?.forNodes ?? noHints,
      owner: withDetail(owner, detail),
    });
  }
}

/** Spelled out: a spread copy takes half as much memory again, and there are endpoints by the hundred thousand. */
function withDetail(owner: Owner, detail: string): Owner {
  const { kind, namespace, name, origin } = owner;
  if (namespace === undefined) return { ...owner, detail };
  return origin === undefined ? { kind, namespace, name, detail } : { kind, namespace, name, detail, origin };
}

/** Of equal ones the last that wins stays, or else the first. The sort before is stable. */
function withoutDuplicates(endpoints: Endpoint[], wins: (endpoint: Endpoint) => boolean): Endpoint[] {
  if (!endpoints.some(({ text }, index) => text === endpoints[index + 1]?.text)) return endpoints;
  const found = new Map<string, Endpoint>();
  for (const endpoint of endpoints) {
    if (wins(endpoint) || !found.has(endpoint.text)) found.set(endpoint.text, endpoint);
  }
  return [...found.values()];
}

const noHints: readonly string[] = [];
