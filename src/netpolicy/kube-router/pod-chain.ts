import type { Cluster } from "../../cluster/cluster.ts";
import type { NetworkPolicy, Pod } from "../../cluster/objects.ts";
import type { Match } from "../../iptables/matches/index.ts";
import type { Command } from "../../iptables/rule.ts";
import type { Target } from "../../iptables/targets/index.ts";
import type { Owner } from "../../trace/records.ts";
import type { Family } from "../../wire/address.ts";
import { type Cidr, hostCidr } from "../../wire/cidr.ts";
import { commonChain, defaultChain, podChainName, routerChains } from "./names.ts";
import type { PolicyChain } from "./policy-chain.ts";
import { podAddresses } from "./sets.ts";
import {
  accept,
  allowedMark,
  append,
  clearMark,
  comment,
  from,
  jump,
  local,
  marked,
  passedMark,
  setMark,
  to,
} from "./terms.ts";

/**
 * KUBE-POD-FW-<hash> of one pod of the node: its policies one after another, and at the end the answer to what none
 * of them allowed. pkg/controllers/netpol/pod.go. `policies` are those that select the pod.
 */
export function podChain(
  cluster: Cluster,
  pod: Pod,
  policies: readonly PolicyChain[],
  family: Family,
): { readonly name: string; readonly commands: readonly Command[]; readonly jumps: readonly Command[] } {
  const { namespace, name } = pod.metadata;
  const chain = podChainName(namespace, name);
  const owner = cluster.ownerOf(pod);
  const rule = (matches: readonly Match[], target: Target, by: Owner = owner): Command =>
    append(chain, { matches, target, owner: by });
  const addresses = podAddresses(pod, family).map(hostCidr);
  const isolated = (type: "Ingress" | "Egress"): boolean =>
    policies.some(({ policy }) => policy.spec.policyTypes.includes(type));
  const denied: readonly Match[] = [marked(allowedMark, true)];
  const culprit = policies.length === 0 ? owner : culpritOf(cluster, pod, policies);

  return {
    name: chain,
    commands: [
      rule([], jump(commonChain)),
      ...addresses.flatMap((address) => [
        rule(
          [
            to(address),
            comment("rule to permit the traffic traffic to pods when source is the pod's local node"),
            local("src"),
          ],
          accept,
        ),
        ...(isolated("Egress")
          ? []
          : [rule([from(address), comment("run through default egress network policy  chain")], jump(defaultChain))]),
        ...(isolated("Ingress")
          ? []
          : [rule([to(address), comment("run through default ingress network policy  chain")], jump(defaultChain))]),
      ]),
      ...policies.flatMap(({ policy, name: policyChain }) =>
        scopesOf(policy, addresses).map((scope) =>
          rule(
            [...scope, comment(`run through nw policy ${policy.metadata.name}`)],
            jump(policyChain),
            cluster.ownerOf(policy),
          ),
        ),
      ),
      rule(
        [
          comment(`rule to log dropped traffic POD name:${name} namespace: ${namespace}`),
          ...denied,
          { kind: "limit", average: tenPerMinute, burst: 10 },
        ],
        { kind: "NFLOG", args: ["--nflog-group", "100"] },
        culprit,
      ),
      rule(
        [comment(`rule to REJECT traffic destined for POD name:${name} namespace: ${namespace}`), ...denied],
        { kind: "REJECT", with: family === "ipv4" ? "icmp-port-unreachable" : "icmp6-port-unreachable" },
        culprit,
      ),
      rule([], clearMark(allowedMark)),
      rule([comment("set mark to ACCEPT traffic that comply to network policies")], setMark(passedMark)),
    ],
    jumps: addresses.flatMap((address) => jumpsTo(chain, pod, address, owner)),
  };
}

/** 10/minute as the kernel keeps it: the cost of a packet in units of 1/10,000 s. */
const tenPerMinute = 60_000;

/**
 * Where packets of the pod enter its chain: towards it when they are forwarded or made here, from it everywhere; and
 * a second time for frames that a bridge carries, which with br_netfilter traverse FORWARD as well.
 */
function jumpsTo(chain: string, pod: Pod, address: Cidr, owner: Owner): readonly Command[] {
  const { namespace, name } = pod.metadata;
  const bridged: Match = { kind: "physdev", isBridged: { inverted: false } };
  const towards = comment(
    `rule to jump traffic destined to POD name:${name} namespace: ${namespace} to chain ${chain}`,
  );
  const away = comment(`rule to jump traffic from POD name:${name} namespace: ${namespace} to chain ${chain}`);
  const { INPUT, FORWARD, OUTPUT } = routerChains;
  const places: readonly (readonly [string, readonly Match[]])[] = [
    [FORWARD, [to(address), towards]],
    [OUTPUT, [to(address), towards]],
    [FORWARD, [to(address), bridged, towards]],
    [INPUT, [from(address), away]],
    [FORWARD, [from(address), away]],
    [OUTPUT, [from(address), away]],
    [FORWARD, [from(address), bridged, away]],
  ];
  return places.map(([from, matches]) => append(from, { matches, target: jump(chain), owner }));
}

/**
 * Which packets a policy's chain is asked about. A policy of both types is asked without an address: this is how an
 * ingress rule can come to satisfy the egress check of the same policy.
 */
function scopesOf(policy: NetworkPolicy, addresses: readonly Cidr[]): readonly (readonly Match[])[] {
  const types = policy.spec.policyTypes;
  if (types.includes("Ingress") && types.includes("Egress")) return [[]];
  return addresses.map((address) => [types.includes("Ingress") ? to(address) : from(address)]);
}

/** Who is to blame for a reject: the first policy that selects the pod, with the others in its detail. */
function culpritOf(cluster: Cluster, pod: Pod, chains: readonly PolicyChain[]): Owner {
  const [first, ...others] = chains.map(({ policy }) => policy) as [NetworkPolicy, ...NetworkPolicy[]];
  const types = ({ spec }: NetworkPolicy): string => spec.policyTypes.join(" and ");
  const { namespace, name } = pod.metadata;
  const too = others.map((policy) => `, as ${namespace}/${policy.metadata.name} does for ${types(policy)}`).join("");
  const whose = others.length === 0 ? "it" : "theirs";
  const detail = `which selects ${namespace}/${name} for ${types(first)}${too}; no rule of ${whose} allows the packet`;
  return { ...cluster.ownerOf(first), detail };
}
