import type { Cluster } from "../../cluster/cluster.ts";
import type { NetworkPolicy, NetworkPolicyRule, Pod } from "../../cluster/objects.ts";
import type { Match } from "../../iptables/matches/index.ts";
import type { Owner } from "../../trace/records.ts";
import type { Family } from "../../wire/address.ts";
import { podsOfPeer } from "../peers.ts";
import type { Direction } from "../view.ts";
import { namedPortSetName, peerSetName } from "./names.ts";
import { type PortTerm, portTermsOf } from "./port-terms.ts";
import { type PolicySet, blockSet, podSet } from "./sets.ts";
import { comment, protocol } from "./terms.ts";

/** One rule of a policy, on its way to iptables. */
export interface RuleParts {
  readonly cluster: Cluster;
  readonly policy: NetworkPolicy;
  readonly direction: Direction;
  readonly index: number;
  readonly rule: NetworkPolicyRule;
  readonly family: Family;
  /** The pods that the policy selects, and their set. */
  readonly targets: readonly Pod[];
  readonly targetSet: string;
  readonly owner: Owner;
  /** Takes a set and returns its name. */
  readonly keep: (set: PolicySet) => string;
}

/**
 * The matches of the iptables rules of one rule of a policy: for pods as peers, for anybody, for blocks; each times
 * its ports. pkg/controllers/netpol/policy.go, processIngressRules and processEgressRules.
 */
export function ruleMatches(parts: RuleParts): readonly (readonly Match[])[] {
  const { cluster, policy, rule, direction, index, family, owner, keep } = parts;
  const { namespace, name } = policy.metadata;
  const ingress = direction === "Ingress";
  const peers = [...new Set(rule.peers.flatMap((peer) => podsOfPeer(cluster, policy, peer)))];
  const ports = portTermsOf(cluster, policy, direction, rule, parts.targets, peers);
  const found: (readonly Match[])[] = [];
  const add = (text: string, peerSet: string | undefined, terms: readonly PortTerm[], anyPort: boolean): void => {
    const what = comment(`rule to ACCEPT traffic from ${text}${name} namespace ${namespace}`);
    if (anyPort) found.push(matchesOf(parts, what, peerSet));
    else found.push(...terms.map((port) => matchesOf(parts, what, peerSet, port)));
  };

  if (peers.length > 0) {
    const set = keep(podSet(peerSetName(namespace, name, direction, index, "pod", family), peers, family, owner));
    // Where none of the names of a rule was found no port is left, and kube-router then allows all of them.
    add("source pods to dest pods selected by policy name ", set, ports, ports.length === 0);
  }
  if (rule.peers.length === 0) {
    const text = ingress ? "all sources to dest pods" : "source pods to all destinations";
    // Towards nobody in particular a named port is its number alone.
    const terms = ingress ? ports : ports.map((port) => ({ ...port, pods: undefined }));
    add(`${text} selected by policy name: `, undefined, terms, rule.ports.length === 0);
  }
  const blocks = blockSet(peerSetName(namespace, name, direction, index, "ipblock", family), rule, family, owner);
  if (blocks.entries.length > 0) {
    const text = ingress ? "specified ipBlocks to dest pods" : "source pods to specified ipBlocks";
    const terms = ports.filter((port) => ingress || port.pods === undefined);
    add(`${text} selected by policy name: `, keep(blocks), terms, rule.ports.length === 0);
  }
  return found;
}

/** `-p`, comment, source and destination set, port. A named port brings its pods as the destination. */
function matchesOf(parts: RuleParts, what: Match, peerSet: string | undefined, port?: PortTerm): readonly Match[] {
  const { policy, direction, index, family, owner, targetSet, keep } = parts;
  const { namespace, name } = policy.metadata;
  const [src, dst] = direction === "Ingress" ? [peerSet, targetSet] : [targetSet, peerSet];
  if (port === undefined) return [what, ...inSet(src, "src"), ...inSet(dst, "dst")];
  const named =
    port.pods &&
    keep(podSet(namedPortSetName(namespace, name, direction, index, port.index, family), port.pods, family, owner));
  const module = port.protocol.toLowerCase() as Lowercase<PortTerm["protocol"]>;
  const { range } = port;
  return [
    protocol(module),
    what,
    ...inSet(src, "src"),
    ...inSet(named ?? dst, "dst"),
    ...(range ? [{ kind: module, dstPorts: { from: range.first, to: range.last, inverted: false } }] : []),
  ];
}

function inSet(set: string | undefined, side: "src" | "dst"): readonly Match[] {
  return set === undefined ? [] : [{ kind: "set", set, flags: [side], inverted: false }];
}
