import type { Cluster } from "../../cluster/cluster.ts";
import type { NetworkPolicy } from "../../cluster/objects.ts";
import type { Command } from "../../iptables/rule.ts";
import type { Family } from "../../wire/address.ts";
import { selects } from "../view.ts";
import { policyChainName, targetSetName } from "./names.ts";
import { ruleMatches } from "./rule-matches.ts";
import { type PolicySet, podSet } from "./sets.ts";
import { allowedMark, append, marked, returning, setMark } from "./terms.ts";

/** The chain of one policy and the sets that it looks at. They are the same on every node. */
export interface PolicyChain {
  readonly policy: NetworkPolicy;
  readonly name: string;
  readonly commands: readonly Command[];
  readonly sets: readonly PolicySet[];
}

/**
 * KUBE-NWPLCY-<hash>: per rule of the policy and port a pair of iptables rules, the first of which marks the packet
 * as allowed and the second of which returns. pkg/controllers/netpol/policy.go, syncNetworkPolicyChains.
 */
export function policyChain(cluster: Cluster, policy: NetworkPolicy, family: Family): PolicyChain {
  const { namespace, name } = policy.metadata;
  const chain = policyChainName(namespace, name, family);
  const targets = cluster.pods.filter((pod) => selects(policy, pod));
  const sets = new Map<string, PolicySet>();
  const commands: Command[] = [];
  const keep = (set: PolicySet): string => {
    sets.set(set.spec.name, set);
    return set.spec.name;
  };

  for (const direction of ["Ingress", "Egress"] as const) {
    if (!policy.spec.policyTypes.includes(direction)) continue;
    const field = direction === "Ingress" ? "ingress" : "egress";
    const setName = targetSetName(namespace, name, direction === "Ingress" ? "dst" : "src", family);
    const selector = { ...cluster.ownerOf(policy, ["spec", "podSelector"]), detail: "spec.podSelector" };
    const targetSet = keep(podSet(setName, targets, family, selector));
    for (const [index, rule] of policy.spec[field].entries()) {
      const owner = { ...cluster.ownerOf(policy, ["spec", field, index]), detail: `spec.${field}[${index}]` };
      const parts = { cluster, policy, direction, index, rule, family, targets, targetSet, owner, keep };
      for (const matches of ruleMatches(parts)) {
        commands.push(
          append(chain, { matches, target: setMark(allowedMark), owner }),
          append(chain, { matches: [...matches, marked(allowedMark)], target: returning, owner }),
        );
      }
    }
  }
  return { policy, name: chain, commands, sets: [...sets.values()] };
}
