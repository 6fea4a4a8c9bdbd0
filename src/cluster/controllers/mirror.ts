import type { Endpoint, EndpointPort, EndpointSlice, Endpoints } from "../objects.ts";
import { serviceNameLabel } from "./endpoint-slices.ts";
import { suffix } from "./random-names.ts";

type Subset = Endpoints["subsets"][number];

/** --mirroring-max-endpoints-per-subset of the controller manager: those beyond it are left out, unready ones first. */
const maxEndpointsPerSubset = 1000;

const skipLabel = "endpointslice.kubernetes.io/skip-mirror";
/** Locks of leader elections were once kept in Endpoints. */
const leaderAnnotation = "control-plane.alpha.kubernetes.io/leader";

/** Whether the controller mirrors the object at all. endpointslicemirroring_controller.go (shouldMirror). */
export function isMirrored({ metadata: { labels, annotations } }: Endpoints): boolean {
  return labels[skipLabel] !== "true" && !Object.hasOwn(annotations, leaderAnnotation);
}

/**
 * The slices that mirror a hand-made Endpoints object: one per set of ports and family, each address once. They carry
 * the labels of the Endpoints, not those of the Service.
 * Kubernetes pkg/controller/endpointslicemirroring (reconciler.go, reconciler_helpers.go).
 */
export function mirrored(endpoints: Endpoints): EndpointSlice[] {
  const groups = new Map<
    string,
    { readonly ports: readonly EndpointPort[]; readonly members: Map<string, Endpoint> }
  >();
  for (const subset of endpoints.subsets) {
    const key = JSON.stringify(subset.ports);
    const group = groups.get(key) ?? { ports: subset.ports, members: new Map<string, Endpoint>() };
    groups.set(key, group);
    for (const member of membersOf(subset)) group.members.set(member.addresses[0] ?? "", member);
  }
  return [...groups].flatMap(([key, { ports, members }]) =>
    (["IPv4", "IPv6"] as const).flatMap((addressType): EndpointSlice[] => {
      const own = [...members.values()].filter(
        ({ addresses }) => addresses[0]?.includes(":") === (addressType === "IPv6"),
      );
      if (own.length === 0) return [];
      return [
        {
          kind: "EndpointSlice",
          metadata: metaOf(endpoints, `${addressType} ${key}`),
          addressType,
          ports,
          endpoints: own,
        },
      ];
    }),
  );
}

function membersOf({ addresses, notReadyAddresses }: Subset): readonly Endpoint[] {
  return [
    ...addresses.map((entry) => endpointOf(entry, true)),
    ...notReadyAddresses.map((entry) => endpointOf(entry, false)),
  ].slice(0, maxEndpointsPerSubset);
}

function endpointOf({ ip, nodeName, hostname }: Subset["addresses"][number], ready: boolean): Endpoint {
  return {
    addresses: [ip],
    conditions: { ready },
    ...(hostname !== undefined && hostname !== "" && { hostname }),
    ...(nodeName !== undefined && { nodeName }),
  };
}

function metaOf({ metadata }: Endpoints, key: string): EndpointSlice["metadata"] {
  return {
    name: `${metadata.name}-${suffix(`${metadata.namespace}/${metadata.name} ${key}`)}`,
    namespace: metadata.namespace,
    labels: {
      ...metadata.labels,
      "endpointslice.kubernetes.io/managed-by": "endpointslicemirroring-controller.k8s.io",
      [serviceNameLabel]: metadata.name,
    },
    annotations: {},
    ownerReferences: [{ kind: "Endpoints", name: metadata.name }],
  };
}
