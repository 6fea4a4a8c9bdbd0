import type { Cluster } from "../cluster/cluster.ts";
import type { Node } from "../cluster/objects.ts";
import type { RestoreText } from "../iptables/rule.ts";
import { type Family, familyOf } from "../wire/address.ts";
import { parseCidr } from "../wire/cidr.ts";
import { type NodePortRange, builtinJumps, inputHead, routerTails, sharedChains } from "./kube-router/base-chains.ts";
import { commonChain, defaultChain, routerChains, tailChain } from "./kube-router/names.ts";
import { podChain } from "./kube-router/pod-chain.ts";
import { type PolicyChain, policyChain } from "./kube-router/policy-chain.ts";
import { type PolicySet, podAddresses } from "./kube-router/sets.ts";
import { chainLine } from "./kube-router/terms.ts";
import { isPolicySubject, isolating } from "./view.ts";

/** What a node holds for its policies, for one family. */
export interface CompiledPolicies {
  /** The filter table's part, for `iptables-restore --noflush`. */
  readonly rules: RestoreText;
  /** To be loaded before the rules. */
  readonly sets: readonly PolicySet[];
}

/** kube-apiserver --service-node-port-range, by default. */
const nodePorts: NodePortRange = { first: 30_000, last: 32_767 };

/**
 * The policies of one node in kube-router's layout (cloudnativelabs/kube-router, pkg/controllers/netpol): a chain for
 * every policy of the cluster, a chain for every pod of the node. Undefined where the cluster has no policies: nothing
 * is programmed then, where kube-router would let everything pass its chains.
 */
export function compilePolicies(cluster: Cluster, node: Node, family: Family): CompiledPolicies | undefined {
  if (cluster.networkPolicies.length === 0) return undefined;
  const policies = policyChainsOf(cluster, family);
  const chainOf = new Map(policies.map((chain) => [chain.policy, chain]));
  const pods = cluster.pods
    .filter(
      (pod) => pod.spec.nodeName === node.metadata.name && isPolicySubject(pod) && podAddresses(pod, family).length > 0,
    )
    .map((pod) => {
      const selecting = new Set([...isolating(cluster, pod, "Ingress"), ...isolating(cluster, pod, "Egress")]);
      return podChain(
        cluster,
        pod,
        [...selecting].flatMap((policy) => chainOf.get(policy) ?? []),
        family,
      );
    });
  const serviceCidrs = cluster.settings.serviceCidrs
    .flatMap((text) => parseCidr(text) ?? [])
    .filter(({ base }) => familyOf(base) === family);
  const chains = [...Object.values(routerChains), commonChain, defaultChain, tailChain];
  const commands = [
    ...[...chains, ...policies.map(({ name }) => name), ...pods.map(({ name }) => name)].map(chainLine),
    ...builtinJumps(),
    ...inputHead(serviceCidrs, nodePorts),
    ...sharedChains(family),
    ...policies.flatMap((policy) => policy.commands),
    ...pods.flatMap((pod) => [...pod.commands, ...pod.jumps]),
    ...routerTails(),
  ];
  return {
    rules: { family, tables: [{ table: "filter", commands }] },
    sets: policies.flatMap((policy) => policy.sets),
  };
}

const chainsByCluster = new WeakMap<Cluster, Map<Family, readonly PolicyChain[]>>();

/** Chains and sets of policies are the same on every node: they are made once. */
function policyChainsOf(cluster: Cluster, family: Family): readonly PolicyChain[] {
  const byFamily = chainsByCluster.get(cluster) ?? new Map<Family, readonly PolicyChain[]>();
  chainsByCluster.set(cluster, byFamily);
  let chains = byFamily.get(family);
  if (chains === undefined) {
    chains = cluster.networkPolicies.map((policy) => policyChain(cluster, policy, family));
    byFamily.set(family, chains);
  }
  return chains;
}
