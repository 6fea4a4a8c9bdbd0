import { type Cidr, overlaps, parseCidr } from "../wire/cidr.ts";
import type { ClusterSettings, KubeProxySettings } from "./cluster.ts";
import { type Problem, ProblemList } from "./problem.ts";

/** What a cluster made by kubeadm and kind has, and what is assumed where nobody says otherwise. */
export const defaultSettings: ClusterSettings = {
  cni: "bridge",
  proxyMode: "iptables",
  podCidrs: ["10.244.0.0/16"],
  serviceCidrs: ["10.96.0.0/12"],
  nodeCidrMaskSize: { ipv4: 24, ipv6: 64 },
  nodeCount: 2,
  systemComponents: "assumed",
  clusterDomain: "cluster.local",
  networkPolicy: "enforced",
  kubeVersion: "1.30",
  ipvsScheduler: "rr",
  masqueradeLeavingCluster: true,
  bridgeNfCallIptables: true,
  kernel: "6.18",
};

export function settingsWith(stated: Partial<ClusterSettings>): ClusterSettings {
  return { ...defaultSettings, ...stated };
}

/** Faults of the settings by themselves: malformed and overlapping CIDRs, more than one of a family. */
export function checkSettings(settings: ClusterSettings): readonly Problem[] {
  const problems = new ProblemList();
  const blocks = [
    ...parseBlocks("pod CIDR", settings.podCidrs, problems),
    ...parseBlocks("service CIDR", settings.serviceCidrs, problems),
  ];
  for (const [index, a] of blocks.entries()) {
    for (const b of blocks.slice(index + 1)) {
      if (overlaps(a.cidr, b.cidr)) problems.add("CIDR_OVERLAP", `${a.what} ${a.text} and ${b.what} ${b.text} overlap`);
    }
  }
  if (!Number.isInteger(settings.nodeCount) || settings.nodeCount < 1 || settings.nodeCount > 5000) {
    problems.add("UNKNOWN_SETTING", `a cluster of ${settings.nodeCount} nodes`, {}, "Ask for 1 to 5000 nodes.");
  }
  if (!/^\d+\.\d+$/.test(settings.kubeVersion)) {
    problems.add("UNKNOWN_SETTING", `kubeVersion \`${settings.kubeVersion}\``, {}, "Write it as 1.30.");
  }
  const { clusterCidrs = [], ...kubeProxy } = settings.kubeProxy ?? {};
  checkKubeProxy(kubeProxy, problems);
  if (clusterCidrs.length > 0 && `${clusterCidrs}` !== `${settings.podCidrs}`) {
    parseBlocks("cluster CIDR", clusterCidrs, problems);
  }
  return problems.sorted();
}

/** pkg/proxy/apis/config/validation/validation.go. */
function checkKubeProxy(options: Partial<KubeProxySettings>, problems: ProblemList): void {
  const { masqueradeBit = 14, nodePortAddresses = [], detectLocalMode, bridgeInterface, interfaceNamePrefix } = options;
  if (!Number.isInteger(masqueradeBit) || masqueradeBit < 0 || masqueradeBit > 31) {
    problems.add("UNKNOWN_SETTING", `masquerade bit ${masqueradeBit}`, {}, "A mark has the bits 0 to 31.");
  }
  for (const text of nodePortAddresses) {
    if (!text.includes("/") || parseCidr(text) === undefined) {
      problems.add("BAD_CIDR", `nodePort address \`${text}\` is no address block`);
    }
  }
  if (detectLocalMode === "BridgeInterface" && (bridgeInterface ?? "") === "") {
    problems.add("UNKNOWN_SETTING", "detect-local mode BridgeInterface without a bridge", {}, "Name the bridge.");
  }
  if (detectLocalMode === "InterfaceNamePrefix" && (interfaceNamePrefix ?? "") === "") {
    problems.add("UNKNOWN_SETTING", "detect-local mode InterfaceNamePrefix without a prefix", {}, "Name the prefix.");
  }
}

interface Block {
  readonly what: string;
  readonly text: string;
  readonly cidr: Cidr;
}

function parseBlocks(what: string, texts: readonly string[], problems: ProblemList): Block[] {
  const blocks = texts.flatMap((text) => {
    const cidr = text.includes("/") ? parseCidr(text) : undefined;
    if (cidr === undefined) problems.add("BAD_CIDR", `${what} \`${text}\` is no address block`);
    return cidr === undefined ? [] : [{ what, text, cidr }];
  });
  const families = new Set(blocks.map(({ cidr }) => typeof cidr.base));
  if (families.size < blocks.length || texts.length === 0) {
    problems.add(
      "BAD_CIDR",
      `there must be one ${what} of each address family that is used, not ${texts.join(", ") || "none"}`,
    );
  }
  return blocks;
}
