import type { Cluster } from "../../cluster/cluster.ts";
import type { NetworkPolicy, NetworkPolicyRule, Pod } from "../../cluster/objects.ts";
import type { Match } from "../../iptables/matches/index.ts";
import { append, comment, mark, protocolTerms, returning } from "../../iptables/proxier-terms.ts";
import type { Command } from "../../iptables/rule.ts";
import type { Owner } from "../../trace/records.ts";
import { type Address, type Family, familyOf, parseAddress } from "../../wire/address.ts";
import { type Cidr, cidr, hostCidr, parseCidr } from "../../wire/cidr.ts";
import { podsOfPeer } from "../peers.ts";
import { type Direction, selects } from "../view.ts";
import { allowedMark, setMark } from "./base-chains.ts";
import { namedPortSetName, peerSetName, policyChainName, targetSetName } from "./names.ts";
import { type PortTerm, portTermsOf } from "./port-terms.ts";

/** An ipset: addresses (hash:ip) or blocks (hash:net), of which `nomatch` ones are cut out again. */
export interface PolicySet {
  readonly name: string;
  readonly type: "hash:ip" | "hash:net";
  readonly family: Family;
  readonly entries: readonly { readonly block: Cidr; readonly nomatch: boolean }[];
  readonly owner: Owner;
}

/** The chain of one policy and the sets that it looks at. They are the same on every node. */
export interface PolicyChain {
  readonly policy: NetworkPolicy;
  readonly name: string;
  readonly commands: readonly Command[];
  readonly sets: readonly PolicySet[];
}

/**
 * KUBE-NWPLCY-<hash>: per rule of the policy and port a pair of iptables rules, the first of which marks the packet
 * as allowed and the second of which returns. pkg/controllers/netpol/policy.go.
 */
export function policyChain(cluster: Cluster, policy: NetworkPolicy, family: Family): PolicyChain {
  const { namespace, name } = policy.metadata;
  const chain = policyChainName(namespace, name, family);
  const sets = new Map<string, PolicySet>();
  const commands: Command[] = [];
  const targets = cluster.pods.filter((pod) => selects(policy, pod));

  for (const direction of ["Ingress", "Egress"] as const) {
    if (!policy.spec.policyTypes.includes(direction)) continue;
    const side = direction === "Ingress" ? "dst" : "src";
    const own = addSet(sets, {
      name: targetSetName(namespace, name, side, family),
      type: "hash:ip",
      family,
      entries: addressesOf(targets, family),
      owner: { ...cluster.ownerOf(policy, ["spec", "podSelector"]), detail: "spec.podSelector" },
    });
    const rules = direction === "Ingress" ? policy.spec.ingress : policy.spec.egress;
    for (const [index, rule] of rules.entries()) {
      const field = direction.toLowerCase();
      const owner = { ...cluster.ownerOf(policy, ["spec", field, index]), detail: `spec.${field}[${index}]` };
      const parts = { cluster, policy, direction, index, rule, family, targets, own, owner, sets };
      for (const matches of ruleMatches(parts)) {
        commands.push(
          append(chain, { matches, target: setMark(allowedMark), owner }),
          append(chain, { matches: [...matches, mark(allowedMark, false)], target: returning, owner }),
        );
      }
    }
  }
  return { policy, name: chain, commands, sets: [...sets.values()] };
}

interface RuleParts {
  readonly cluster: Cluster;
  readonly policy: NetworkPolicy;
  readonly direction: Direction;
  readonly index: number;
  readonly rule: NetworkPolicyRule;
  readonly family: Family;
  readonly targets: readonly Pod[];
  /** The set of the pods that the policy selects. */
  readonly own: string;
  readonly owner: Owner;
  readonly sets: Map<string, PolicySet>;
}

/** The matches of the iptables rules of one rule of the policy: first pods as peers, then anybody, then blocks. */
function ruleMatches(parts: RuleParts): readonly (readonly Match[])[] {
  const { cluster, policy, direction, index, rule, family, own, owner, sets } = parts;
  const { namespace, name } = policy.metadata;
  const ingress = direction === "Ingress";
  const text = (peers: string): Match =>
    comment(`rule to ACCEPT traffic from ${peers} selected by policy name: ${name} namespace ${namespace}`);
  /** A named port is looked for on the destinations: they are the pods that have it, in a set of their own. */
  const terms = (comment: Match, peerSet: string | undefined, port?: PortTerm): readonly Match[] => {
    const named =
      port?.pods &&
      addSet(sets, {
        name: namedPortSetName(namespace, name, direction, index, port.index, family),
        type: "hash:ip",
        family,
        entries: addressesOf(port.pods, family),
        owner,
      });
    const src = ingress ? peerSet : own;
    const dst = named ?? (ingress ? own : peerSet);
    return [
      ...(port ? protocolOf(port) : []),
      comment,
      ...inSet(src, "src"),
      ...inSet(dst, "dst"),
      ...(port ? portOf(port) : []),
    ];
  };
  const found: (readonly Match[])[] = [];

  const peers = [...new Set(rule.peers.flatMap((peer) => podsOfPeer(cluster, policy, peer)))];
  const ports = portTermsOf(cluster, policy, direction, rule, parts.targets, peers);
  if (peers.length > 0) {
    const set = addSet(sets, {
      name: peerSetName(namespace, name, direction, index, "pod", family),
      type: "hash:ip",
      family,
      entries: addressesOf(peers, family),
      owner,
    });
    const what = comment(
      `rule to ACCEPT traffic from source pods to dest pods selected by policy name ${name} namespace ${namespace}`,
    );
    // Where none of the names of a rule was found no port is left, and kube-router then allows all of them.
    if (ports.length === 0) found.push(terms(what, set));
    else found.push(...ports.map((port) => terms(what, set, port)));
  }
  if (rule.peers.length === 0) {
    const what = text(ingress ? "all sources to dest pods" : "source pods to all destinations");
    if (rule.ports.length === 0) found.push(terms(what, undefined));
    // To no pod in particular a named port is its number alone.
    else found.push(...ports.map((port) => terms(what, undefined, ingress ? port : { ...port, pods: undefined })));
  }
  const blocks = blocksOf(rule, family);
  if (blocks.length > 0) {
    const set = addSet(sets, {
      name: peerSetName(namespace, name, direction, index, "ipblock", family),
      type: "hash:net",
      family,
      entries: blocks,
      owner,
    });
    const what = text(ingress ? "specified ipBlocks to dest pods" : "source pods to specified ipBlocks");
    if (rule.ports.length === 0) found.push(terms(what, set));
    else
      found.push(...ports.filter((port) => ingress || port.pods === undefined).map((port) => terms(what, set, port)));
  }
  return found;
}

function inSet(set: string | undefined, side: "src" | "dst"): readonly Match[] {
  return set === undefined ? [] : [{ kind: "set", set, flags: [side], inverted: false }];
}

function protocolOf(port: PortTerm): readonly Match[] {
  return [protocolTerms(port.protocol)[1]];
}

function portOf({ protocol, range }: PortTerm): readonly Match[] {
  if (range === undefined) return [];
  const kind = protocol.toLowerCase() as Lowercase<typeof protocol>;
  return [{ kind, dstPorts: { from: range.first, to: range.last, inverted: false } }];
}

function addSet(sets: Map<string, PolicySet>, set: PolicySet): string {
  sets.set(set.name, set);
  return set.name;
}

function addressesOf(pods: readonly Pod[], family: Family): PolicySet["entries"] {
  const addresses = pods
    .flatMap((pod) => pod.status.podIPs)
    .map((text) => parseAddress(text))
    .filter((address): address is Address => address !== undefined && familyOf(address) === family);
  return [...new Set(addresses)].map((address) => ({ block: hostCidr(address), nomatch: false }));
}

/** All ipBlocks of a rule in one list: an `except` of one cuts into the others too (evalIPBlockPeer). */
function blocksOf(rule: NetworkPolicyRule, family: Family): PolicySet["entries"] {
  return rule.peers.flatMap(({ ipBlock }) => {
    if (ipBlock === undefined) return [];
    const own = [ipBlock.cidr].map((text) => ({ text, nomatch: false }));
    const cut = ipBlock.except.map((text) => ({ text, nomatch: true }));
    return [...own, ...cut].flatMap(({ text, nomatch }) => {
      const block = parseCidr(text);
      if (block === undefined || familyOf(block.base) !== family) return [];
      return wholeNets(block).map((part) => ({ block: part, nomatch }));
    });
  });
}

/** ipset's hash:net holds no /0: kube-router writes two halves, of IPv6 the parts that are in use. */
function wholeNets(block: Cidr): readonly Cidr[] {
  if (block.prefixLength > 0) return [block];
  const halves = typeof block.base === "number" ? ["0.0.0.0/1", "128.0.0.0/1"] : ["2000::/3", "fd00::/8"];
  return halves.map((text) => parseCidr(text) ?? cidr(block.base, 1));
}
