import { bridge } from "../cni/bridge/plugin.ts";
import type { CniPlugin } from "../cni/plugin.ts";
import type { ClusterSettings } from "../cluster/cluster.ts";
import { type Problem, ProblemList } from "../cluster/problem.ts";
import { schedulers } from "../ipvs/schedulers/index.ts";
import { kernelProfiles } from "../kernel/profile.ts";
import { type NodeProxy, iptablesProxy, ipvsProxy } from "./proxies.ts";
import { unmodelledProxy } from "./unmodelled-proxy.ts";

/** The CNI plugins by the name that `--cni` takes. */
export const cniPlugins: Readonly<Record<string, CniPlugin>> = { bridge };

/** kube-proxy's modes by the name that `--proxy-mode` takes. */
export const proxies: Readonly<Record<string, NodeProxy>> = {
  iptables: iptablesProxy,
  ipvs: ipvsProxy,
  nftables: unmodelledProxy("nftables"),
};

/** Settings that name a component which does not exist here. */
export function checkComponents(settings: ClusterSettings): readonly Problem[] {
  const problems = new ProblemList();
  const check = (what: string, name: string, known: object): void => {
    if (Object.hasOwn(known, name)) return;
    problems.add("UNKNOWN_SETTING", `${what} \`${name}\``, {}, `There are ${Object.keys(known).join(", ")}.`);
  };
  check("CNI plugin", settings.cni, cniPlugins);
  check("kube-proxy mode", settings.proxyMode, proxies);
  check("IPVS scheduler", settings.ipvsScheduler, schedulers);
  check("kernel profile", settings.kernel, kernelProfiles);
  return problems.sorted();
}
