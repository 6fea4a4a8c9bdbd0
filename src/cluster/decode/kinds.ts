import type { WorkloadKind } from "../objects.ts";

/** The kinds that are read, by API group. */
export type ReadKind =
  | WorkloadKind
  | "Node"
  | "Namespace"
  | "Pod"
  | "Service"
  | "EndpointSlice"
  | "Endpoints"
  | "NetworkPolicy"
  | "ConfigMap"
  | "List";

interface KindVersions {
  readonly group: string;
  readonly version: string;
}

const read: Readonly<Record<ReadKind, KindVersions>> = {
  Node: { group: "", version: "v1" },
  Namespace: { group: "", version: "v1" },
  Pod: { group: "", version: "v1" },
  Service: { group: "", version: "v1" },
  Endpoints: { group: "", version: "v1" },
  ConfigMap: { group: "", version: "v1" },
  List: { group: "", version: "v1" },
  ReplicationController: { group: "", version: "v1" },
  Deployment: { group: "apps", version: "v1" },
  ReplicaSet: { group: "apps", version: "v1" },
  StatefulSet: { group: "apps", version: "v1" },
  DaemonSet: { group: "apps", version: "v1" },
  Job: { group: "batch", version: "v1" },
  CronJob: { group: "batch", version: "v1" },
  EndpointSlice: { group: "discovery.k8s.io", version: "v1" },
  NetworkPolicy: { group: "networking.k8s.io", version: "v1" },
};

/** Other kinds of the same groups: known, and without a part in the network. */
const ignoredByGroup: Readonly<Record<string, readonly string[]>> = {
  "": [
    "Secret",
    "ServiceAccount",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "LimitRange",
    "ResourceQuota",
    "Event",
    "PodTemplate",
    "ComponentStatus",
    "Binding",
  ],
  apps: ["ControllerRevision"],
  batch: [],
  "discovery.k8s.io": [],
  "networking.k8s.io": ["IngressClass"],
};

/** Groups whose every kind has to do with the network and is not modelled; `*.` stands for all below. */
const unmodelledGroups: readonly string[] = [
  "gateway.networking.k8s.io",
  "policy.networking.k8s.io",
  "networking.gke.io",
  "cilium.io",
  "isovalent.com",
  "crd.projectcalico.org",
  "projectcalico.org",
  "operator.tigera.io",
  "crd.antrea.io",
  "k8s.ovn.org",
  "network.openshift.io",
  "route.openshift.io",
  "k8s.cni.cncf.io",
  "metallb.io",
  "networking.istio.io",
  "security.istio.io",
  "linkerd.io",
  "policy.linkerd.io",
  "split.smi-spec.io",
  "traefik.io",
  "traefik.containo.us",
  "projectcontour.io",
  "multicluster.x-k8s.io",
  "submariner.io",
  "vpcresources.k8s.aws",
  "crd.k8s.amazonaws.com",
  "networking.k8s.aws",
  "elbv2.k8s.aws",
  "kuma.io",
  "kube-router.io",
  "kubeovn.io",
  "configuration.konghq.com",
];

/** Kinds of groups that are read otherwise. */
const unmodelledKinds: Readonly<Record<string, readonly string[]>> = {
  "networking.k8s.io": ["Ingress", "ServiceCIDR", "IPAddress"],
  extensions: ["Ingress"],
};

export type KindVerdict =
  | { readonly is: "read"; readonly kind: ReadKind }
  | { readonly is: "unmodelled" }
  | { readonly is: "ignored" }
  | { readonly is: "wrong-version"; readonly kind: ReadKind; readonly wanted: string }
  | { readonly is: "misspelt"; readonly candidates: readonly string[] };

/** What becomes of an object with this apiVersion and kind. */
export function judgeKind(apiVersion: string, kind: string): KindVerdict {
  const slash = apiVersion.lastIndexOf("/");
  const group = slash < 0 ? "" : apiVersion.slice(0, slash);
  const version = apiVersion.slice(slash + 1);
  if (isUnmodelled(group, kind)) return { is: "unmodelled" };
  const known = Object.hasOwn(read, kind) ? read[kind as ReadKind] : undefined;
  if (known !== undefined && known.group === group && known.version === version)
    return { is: "read", kind: kind as ReadKind };
  // Typed lists, as the API server itself answers them: PodList, ServiceList.
  if (kind.endsWith("List") && Object.hasOwn(read, kind.slice(0, -4))) return { is: "read", kind: "List" };
  const builtIn = Object.hasOwn(ignoredByGroup, group);
  const stale = group === "extensions" || group === known?.group || (builtIn && known !== undefined);
  if (known !== undefined && stale) {
    return {
      is: "wrong-version",
      kind: kind as ReadKind,
      wanted: known.group === "" ? known.version : `${known.group}/${known.version}`,
    };
  }
  if (!builtIn || ignoredByGroup[group]?.includes(kind) === true) return { is: "ignored" };
  return { is: "misspelt", candidates: Object.keys(read).filter((name) => read[name as ReadKind].group === group) };
}

function isUnmodelled(group: string, kind: string): boolean {
  const inGroup = unmodelledGroups.some((other) => group === other || group.endsWith(`.${other}`));
  return inGroup || (Object.hasOwn(unmodelledKinds, group) && unmodelledKinds[group]?.includes(kind) === true);
}
