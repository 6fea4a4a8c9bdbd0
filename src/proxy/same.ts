import type { EndpointSlice } from "../cluster/objects.ts";
import { compareText } from "./service-port.ts";
import type { TrackedPort } from "./tracker.ts";

/** Equal as kube-proxy compares Services: by what it makes of them. servicechangetracker.go (Update). */
export function samePorts(a: readonly TrackedPort[], b: readonly TrackedPort[]): boolean {
  return a.length === b.length && JSON.stringify(a, onlyPorts) === JSON.stringify(b, onlyPorts);
}

function onlyPorts(key: string, value: unknown): unknown {
  return key === "owner" || key === "chosen" || key === "endpoints" ? undefined : value;
}

/**
 * Equal as kube-proxy compares slices: by what it keeps of each. Endpoints that move from one slice to another are a
 * change, though the endpoints of the Service stay the same. endpointslicecache.go (esDataChanged).
 */
export function sameSlices(a: readonly EndpointSlice[], b: readonly EndpointSlice[]): boolean {
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
