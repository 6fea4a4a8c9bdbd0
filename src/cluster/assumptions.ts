import type { Assumption } from "../trace/records.ts";
import type { ClusterSettings } from "./cluster.ts";

/** Gathers what was assumed, each thing once. */
export class Assumptions {
  readonly #byId = new Map<string, Assumption>();

  add(id: string, text: string, override?: string): void {
    if (!this.#byId.has(id)) this.#byId.set(id, { id, text, ...(override !== undefined && { override }) });
  }

  addAll(assumptions: readonly Assumption[]): void {
    for (const assumption of assumptions) if (!this.#byId.has(assumption.id)) this.#byId.set(assumption.id, assumption);
  }

  list(): readonly Assumption[] {
    return [...this.#byId.values()];
  }
}

/** The Kubernetes release whose kube-proxy was recorded. */
const recordedVersion = "1.30";

/** Settings that nobody stated, each with the words for it. */
export function assumeSettings(
  settings: ClusterSettings,
  stated: Partial<ClusterSettings>,
  assumptions: Assumptions,
): void {
  const assume = (key: keyof ClusterSettings, id: string, text: string, override: string): void => {
    if (stated[key] === undefined) assumptions.add(id, text, override);
  };
  assume("cni", "cni", `the CNI plugin is ${settings.cni}`, "--cni, cluster.cni");
  assume("proxyMode", "proxy-mode", `kube-proxy runs in ${settings.proxyMode} mode`, "--proxy-mode, cluster.proxyMode");
  assume(
    "kubeVersion",
    "kube-version",
    `the cluster runs Kubernetes ${settings.kubeVersion}`,
    "--kube-version, cluster.kubeVersion",
  );
  if (settings.kubeVersion !== recordedVersion) {
    assumptions.add(
      "kube-version-not-refereed",
      `kube-proxy ${settings.kubeVersion} is not refereed: only ${recordedVersion} was recorded, what differs was read`,
      "--kube-version, cluster.kubeVersion",
    );
  }
  assume("kernel", "kernel", `the nodes run Linux ${settings.kernel}`, "cluster.kernel");
  assume("clusterDomain", "cluster-domain", `the cluster domain is ${settings.clusterDomain}`, "cluster.clusterDomain");
  const policies = settings.networkPolicy === "enforced" ? "are enforced on every node" : "have no effect";
  assume("networkPolicy", "network-policy", `NetworkPolicies ${policies}`, "cluster.networkPolicy");
  const bridged = settings.bridgeNfCallIptables ? 1 : 0;
  assume("bridgeNfCallIptables", "bridge-nf", `bridge-nf-call-iptables is ${bridged}`, "cluster.bridgeNfCallIptables");
  const masquerade = settings.masqueradeLeavingCluster ? "takes the node's address" : "keeps its source address";
  assume(
    "masqueradeLeavingCluster",
    "masquerade",
    `traffic that leaves the cluster ${masquerade}`,
    "cluster.masqueradeLeavingCluster",
  );
}
