import type { Endpoint, EndpointSlice, Endpoints, Service } from "../objects.ts";
import { sliceMeta } from "./endpoint-slices.ts";

type Subset = Endpoints["subsets"][number];

/**
 * The slices that mirror a hand-made Endpoints object: one per subset and family.
 * Kubernetes pkg/controller/endpointslicemirroring (reconciler_helpers.go).
 */
export function mirrored(endpoints: Endpoints, service: Service): EndpointSlice[] {
  return endpoints.subsets.flatMap((subset, index) =>
    (["IPv4", "IPv6"] as const).flatMap((addressType): EndpointSlice[] => {
      const members = [
        ...subset.addresses.map((entry) => endpointOf(entry, true)),
        ...subset.notReadyAddresses.map((entry) => endpointOf(entry, false)),
      ].filter(({ addresses }) => addresses[0]?.includes(":") === (addressType === "IPv6"));
      if (members.length === 0) return [];
      return [
        {
          kind: "EndpointSlice",
          metadata: sliceMeta(service, "endpointslicemirroring-controller.k8s.io", `${addressType} ${index}`),
          addressType,
          ports: subset.ports,
          endpoints: members,
        },
      ];
    }),
  );
}

function endpointOf({ ip, nodeName, hostname }: Subset["addresses"][number], ready: boolean): Endpoint {
  return {
    addresses: [ip],
    conditions: { ready },
    ...(hostname !== undefined && hostname !== "" && { hostname }),
    ...(nodeName !== undefined && { nodeName }),
  };
}
