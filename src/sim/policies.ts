import type { NodeContext } from "../cni/plugin.ts";
import type { Iptables } from "../iptables/netns.ts";
import { applyPolicies } from "../netpolicy/apply.ts";
import { compilePolicies } from "../netpolicy/compile.ts";
import { familiesOf } from "./proxies.ts";

/** Programs a node's NetworkPolicies, where the cluster has somebody who does. */
export function syncPolicies({ cluster, node }: NodeContext, iptables: Iptables): void {
  if (cluster.settings.networkPolicy !== "enforced") return;
  for (const family of familiesOf(cluster)) applyPolicies(iptables, family, compilePolicies(cluster, node, family));
}
