import type { NetworkPolicy, NetworkPolicyPeer, Pod } from "../cluster/objects.ts";
import { matches } from "../cluster/selector.ts";
import { type Address, type Family, familyOf, parseAddress } from "../wire/address.ts";
import { contains, parseCidr } from "../wire/cidr.ts";
import { type PolicyView, isPolicySubject, namespaceLabels, subjectsByNamespace } from "./view.ts";

/** One end of a connection: a pod, or an address that is no pod's. */
export type End = Pod | Address;

export interface PolicyOptions {
  /**
   * Whether an ipBlock matches pods by their address (true, the literal reading; iptables data planes do so) or
   * addresses outside the cluster alone (false; Cilium, netpol-analyzer). The API leaves it open.
   */
  readonly ipBlockMatchesPods?: boolean;
}

/** The pod of an end; a pod on the host's network is its node's address to everybody else. */
export function podOf(end: End): Pod | undefined {
  return typeof end === "object" && isPolicySubject(end) ? end : undefined;
}

/** The address of an end in a family. */
export function addressOf(end: End, family: Family): Address | undefined {
  if (typeof end !== "object") return familyOf(end) === family ? end : undefined;
  return end.status.podIPs
    .map((text) => parseAddress(text))
    .find((parsed) => parsed !== undefined && familyOf(parsed) === family);
}

/** Whether a rule's `from` or `to` lists the end; an empty list means everybody (networking/v1 NetworkPolicyPeer). */
export function peersInclude(
  view: PolicyView,
  policy: NetworkPolicy,
  peers: readonly NetworkPolicyPeer[],
  end: End,
  family: Family,
  options: PolicyOptions = {},
): boolean {
  return peers.length === 0 || peers.some((peer) => peerIncludes(view, policy, peer, end, family, options));
}

function peerIncludes(
  view: PolicyView,
  policy: NetworkPolicy,
  peer: NetworkPolicyPeer,
  end: End,
  family: Family,
  options: PolicyOptions,
): boolean {
  const pod = podOf(end);
  if (peer.ipBlock !== undefined) {
    if (pod !== undefined && options.ipBlockMatchesPods === false) return false;
    const address = addressOf(end, family);
    return address !== undefined && blockContains(peer.ipBlock, address);
  }
  return (
    pod !== undefined &&
    namespaceMatches(view, policy, peer, pod.metadata.namespace) &&
    (peer.podSelector === undefined || matches(peer.podSelector, pod.metadata.labels))
  );
}

function blockContains(
  block: { readonly cidr: string; readonly except: readonly string[] },
  address: Address,
): boolean {
  return inside(block.cidr, address) && !block.except.some((except) => inside(except, address));
}

function inside(text: string, address: Address): boolean {
  const block = parseCidr(text);
  return block !== undefined && contains(block, address);
}

/** The pods that a peer's selectors mean; none for an ipBlock. */
export function podsOfPeer(view: PolicyView, policy: NetworkPolicy, peer: NetworkPolicyPeer): readonly Pod[] {
  const { podSelector } = peer;
  return [...subjectsByNamespace(view)]
    .filter(([namespace]) => namespaceMatches(view, policy, peer, namespace))
    .flatMap(([, pods]) => pods)
    .filter((pod) => podSelector === undefined || matches(podSelector, pod.metadata.labels));
}

/** Without a namespaceSelector a podSelector means pods of the policy's own namespace. */
function namespaceMatches(
  view: PolicyView,
  policy: NetworkPolicy,
  peer: NetworkPolicyPeer,
  namespace: string,
): boolean {
  const { namespaceSelector, podSelector } = peer;
  if (namespaceSelector === undefined) return podSelector !== undefined && namespace === policy.metadata.namespace;
  return matches(namespaceSelector, namespaceLabels(view, namespace));
}
