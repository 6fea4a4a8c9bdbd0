import type { EndpointSlice } from "../cluster/objects.ts";
import type { Owner } from "../trace/records.ts";
import { type Family, address as knownAddress, formatAddress } from "../wire/address.ts";
import { since } from "../cluster/release.ts";
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
  if (found.some(({ text }, index) => text < (found[index - 1]?.text ?? ""))) found.sort(byText);
  const endpoints = withoutDuplicates(found, wins);
  return { endpoints, hadDuplicates: endpoints.length < found.length };
}

function pushEndpoints(endpoints: Endpoint[], slice: EndpointSlice, port: number, context: EndpointContext): void {
  let found: Owner | undefined;
  const sliceOwner = (): Owner => (found ??= context.ownerOf(slice));
  const isIPv6 = context.family === "ipv6";
  const isCanonical = context.release >= since.canonicalEndpoints;
  for (const entry of slice.endpoints) {
    const given = entry.addresses[0];
    if (given === undefined || given.includes(":") !== isIPv6) continue;
    const address = isIPv6 && isCanonical ? formatAddress(knownAddress(given)) : given;
    const text = isIPv6 ? `[${address}]:${port}` : `${address}:${port}`;
    endpoints.push(new SliceEndpoint(address, port, text, entry, sliceOwner));
  }
}

/**
 * An endpoint that looks into its slice, and finds its owner, when somebody asks: there are endpoints by the hundred
 * thousand.
 */
class SliceEndpoint implements Endpoint {
  readonly address: string;
  readonly port: number;
  readonly text: string;
  readonly #entry: EndpointSlice["endpoints"][number];
  readonly #sliceOwner: () => Owner;
  #owner: Owner | undefined;

  constructor(
    address: string,
    port: number,
    text: string,
    entry: EndpointSlice["endpoints"][number],
    sliceOwner: () => Owner,
  ) {
    this.address = address;
    this.port = port;
    this.text = text;
    this.#entry = entry;
    this.#sliceOwner = sliceOwner;
  }

  get nodeName(): string | undefined {
    const { nodeName } = this.#entry;
    return nodeName === "" ? undefined : nodeName;
  }

  get ready(): boolean {
    return this.#entry.conditions.ready ?? true;
  }

  get serving(): boolean {
    return this.#entry.conditions.serving ?? true;
  }

  get terminating(): boolean {
    return this.#entry.conditions.terminating ?? false;
  }

  get zoneHints(): readonly string[] {
    return this.#entry.hints?.forZones ?? noHints;
  }

  get nodeHints(): readonly string[] {
    return this.#entry.hints?.forNodes ?? noHints;
  }

  get owner(): Owner {
    return (this.#owner ??= this.#findOwner());
  }

  #findOwner(): Owner {
    const { targetRef } = this.#entry;
    const detail = targetRef === undefined ? this.text : `${this.text} (${targetRef.kind} ${targetRef.name})`;
    const owner = this.#sliceOwner();
    // Spelled out: a spread copy takes half as much memory again.
    const { kind, namespace, name, origin } = owner;
    if (namespace === undefined) return { ...owner, detail };
    return origin === undefined ? { kind, namespace, name, detail } : { kind, namespace, name, detail, origin };
  }
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

function byText(a: Endpoint, b: Endpoint): number {
  return compareText(a.text, b.text);
}

const noHints: readonly string[] = [];
