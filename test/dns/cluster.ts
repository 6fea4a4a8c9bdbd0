import type { Cluster } from "../../src/cluster/cluster.ts";
import { mirrored } from "../../src/cluster/controllers/mirror.ts";
import { loadManifests } from "../../src/cluster/load/load.ts";
import { defaultSettings } from "../../src/cluster/settings.ts";
import type { KubernetesObject } from "../../src/cluster/objects.ts";

/** The objects of a manifest as a Cluster, as they are: of the controllers only the one that mirrors Endpoints runs. */
export function clusterOf(manifest: string, name = "manifest.yaml"): Cluster {
  const { objects, problems } = loadManifests([{ name, text: manifest }]);
  const errors = problems.filter(({ severity }) => severity === "error");
  if (errors.length > 0) throw new Error(errors.map((e) => `${e.object} ${e.path}: ${e.message}`).join("\n"));
  const ofKind = <K extends KubernetesObject["kind"]>(kind: K): Extract<KubernetesObject, { kind: K }>[] =>
    objects.filter((object): object is Extract<KubernetesObject, { kind: K }> => object.kind === kind);
  return {
    settings: defaultSettings,
    nodes: [],
    namespaces: ofKind("Namespace"),
    pods: ofKind("Pod"),
    workloads: [],
    services: ofKind("Service"),
    endpointSlices: [...ofKind("EndpointSlice"), ...ofKind("Endpoints").flatMap((endpoints) => mirrored(endpoints))],
    networkPolicies: [],
    configMaps: [],
    unmodelled: [],
    assumptions: [],
    ownerOf: (object) => ({ kind: object.kind, name: object.metadata.name }),
  };
}
