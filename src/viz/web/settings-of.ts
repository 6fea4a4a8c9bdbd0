import type { Cluster } from "../../cluster/cluster.ts";
import { schedulers } from "../../ipvs/schedulers/index.ts";
import { kernelProfiles } from "../../kernel/profile.ts";
import { cniPlugins, proxies } from "../../sim/components.ts";
import type { SettingField } from "./protocol.ts";

/** Releases that kube-proxy is known to differ in; others can be written, too. */
const kubeVersions = ["1.30", "1.31", "1.32", "1.33", "1.34"];

/** The settings of a cluster as fields of a form, and whether the input states them. */
export function settingsOf(
  { settings, nodes, assumptions }: Cluster,
  stated: ReadonlySet<string>,
  seed: number,
): readonly SettingField[] {
  const nodesMade = stated.has("nodes") || assumptions.some(({ id }) => id === "nodes");
  const fields: readonly (Omit<SettingField, "stated"> | false)[] = [
    { key: "cni", label: "CNI plugin", value: settings.cni, options: Object.keys(cniPlugins), assumption: "cni" },
    {
      key: "proxyMode",
      label: "kube-proxy mode",
      value: settings.proxyMode,
      options: Object.keys(proxies),
      assumption: "proxy-mode",
    },
    settings.proxyMode === "ipvs" && {
      key: "ipvsScheduler",
      label: "IPVS scheduler",
      value: settings.ipvsScheduler,
      options: Object.keys(schedulers),
    },
    {
      key: "kubeVersion",
      label: "Kubernetes",
      value: settings.kubeVersion,
      options: [...new Set([...kubeVersions, settings.kubeVersion])],
      assumption: "kube-version",
    },
    {
      key: "kernel",
      label: "Linux",
      value: settings.kernel,
      options: Object.keys(kernelProfiles),
      assumption: "kernel",
    },
    {
      key: "networkPolicy",
      label: "NetworkPolicies",
      value: settings.networkPolicy,
      options: ["enforced", "none"],
      assumption: "network-policy",
    },
    {
      key: "bridgeNfCallIptables",
      label: "bridge-nf-call-iptables",
      value: settings.bridgeNfCallIptables,
      assumption: "bridge-nf",
    },
    {
      key: "masqueradeLeavingCluster",
      label: "Masquerade what leaves the cluster",
      value: settings.masqueradeLeavingCluster,
      assumption: "masquerade",
    },
    nodesMade && { key: "nodes", label: "Nodes", value: nodes.length, assumption: "nodes" },
    { key: "podCidrs", label: "Pod CIDR", value: settings.podCidrs, assumption: "pod-cidr" },
    { key: "serviceCidrs", label: "Service CIDR", value: settings.serviceCidrs, assumption: "service-cidr" },
    { key: "clusterDomain", label: "Cluster domain", value: settings.clusterDomain, assumption: "cluster-domain" },
    { key: "seed", label: "Seed of all chance", value: seed },
  ];
  return fields.filter((field) => field !== false).map((field) => ({ ...field, stated: stated.has(field.key) }));
}
