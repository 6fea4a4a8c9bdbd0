import type { EndpointSlice } from "../cluster/objects.ts";
import type { Owner } from "../trace/records.ts";
import type { Family } from "../wire/address.ts";
import { type OwnerOf, type ServicePort, compareText } from "./service-port.ts";

/** An endpoint of a service port. pkg/proxy/endpoint.go (BaseEndpointInfo). */
export interface Endpoint {
  /** As the slice gives it: kube-proxy 1.30 hashes and prints it so. */
  readonly address: string;
  readonly port: number;
  /** `ip:port`, `[ip]:port`. */
  readonly text: string;
  /** It runs on the node the proxier works for. */
  readonly isLocal: boolean;
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  readonly zoneHints: readonly string[];
  readonly owner: Owner;
}

export const serviceNameLabel = "kubernetes.io/service-name";

/** What the endpoints of a Service depend on besides its slices. */
export interface EndpointContext {
  readonly family: Family;
  readonly nodeName: string;
  readonly ownerOf: OwnerOf<EndpointSlice>;
}

/**
 * The endpoints of one service port: those of slice ports of its name and protocol, one per `ip:port`, in
 * byte-wise order of that text (10.0.0.10:80 before 10.0.0.1:80). A local duplicate replaces an earlier one,
 * another does not. pkg/proxy/endpointslicecache.go (addEndpoints).
 */
export function endpointsOf(port: ServicePort, slices: readonly EndpointSlice[], context: EndpointContext): Endpoint[] {
  const { family, nodeName, ownerOf } = context;
  const found = new Map<string, Endpoint>();
  for (const slice of slices) {
    if (slice.addressType === "FQDN") continue;
    for (const slicePort of slice.ports) {
      const number = slicePort.port;
      if (number === undefined || number === 0) continue;
      if (slicePort.name !== port.portName || slicePort.protocol !== port.protocol) continue;
      const owner = ownerOf(slice);
      for (const endpoint of slice.endpoints) {
        const address = endpoint.addresses[0];
        if (address === undefined || address.includes(":") !== (family === "ipv6")) continue;
        const text = family === "ipv6" ? `[${address}]:${number}` : `${address}:${number}`;
        const isLocal = endpoint.nodeName === nodeName && nodeName !== "";
        if (!isLocal && found.has(text)) continue;
        const { ready = true, serving = true, terminating = false } = endpoint.conditions;
        found.set(text, {
          address,
          port: number,
          text,
          isLocal,
          ready,
          serving,
          terminating,
          zoneHints: endpoint.hints?.forZones ?? noHints,
          owner: { ...owner, detail: endpointDetail(text, endpoint.targetRef) },
        });
      }
    }
  }
  return [...found.values()].sort((a, b) => compareText(a.text, b.text));
}

const noHints: readonly string[] = [];

function endpointDetail(text: string, target: { readonly kind: string; readonly name: string } | undefined): string {
  return target === undefined ? `endpoint ${text}` : `endpoint ${text} (${target.kind} ${target.name})`;
}
