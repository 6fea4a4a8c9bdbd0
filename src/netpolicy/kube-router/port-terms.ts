import type { Cluster } from "../../cluster/cluster.ts";
import type { NetworkPolicy, NetworkPolicyRule, Pod, Protocol } from "../../cluster/objects.ts";
import { type PortRange, portsNamed } from "../ports.ts";
import { type Direction, subjectsByNamespace } from "../view.ts";

/** What one entry of a rule's `ports` becomes. */
export interface PortTerm {
  readonly protocol: Protocol;
  /** Absent: every port of the protocol. */
  readonly range: PortRange | undefined;
  /** Of a name: the pods that have it under this number. */
  readonly pods: readonly Pod[] | undefined;
  /** Counts the named entries of the rule, for the name of the set. */
  readonly index: number;
}

/**
 * The ports of a rule: numbers first, then per name every number it stands for among the destinations. Those are the
 * selected pods (ingress), the peers (egress), or all pods of the policy's namespace where an egress rule has no
 * peers. pkg/controllers/netpol/policy.go, processNetworkPolicyPorts and grabNamedPortFromPod.
 */
export function portTermsOf(
  cluster: Cluster,
  policy: NetworkPolicy,
  direction: Direction,
  rule: NetworkPolicyRule,
  targets: readonly Pod[],
  peers: readonly Pod[],
): readonly PortTerm[] {
  const numbers: PortTerm[] = [];
  const named: PortTerm[] = [];
  const namespacePods = (): readonly Pod[] => subjectsByNamespace(cluster).get(policy.metadata.namespace) ?? [];
  const destinations = direction === "Ingress" ? targets : rule.peers.length === 0 ? namespacePods() : peers;
  for (const { port, protocol, endPort } of rule.ports) {
    if (typeof port !== "string") {
      const range = port === undefined ? undefined : { first: port, last: endPort ?? port };
      numbers.push({ protocol, range, pods: undefined, index: 0 });
      continue;
    }
    for (const [number, pods] of podsByNumber(port, protocol, destinations)) {
      named.push({ protocol, range: { first: number, last: number }, pods, index: named.length });
    }
  }
  return [...numbers, ...named];
}

function podsByNumber(name: string, protocol: Protocol, pods: readonly Pod[]): ReadonlyMap<number, readonly Pod[]> {
  const byNumber = new Map<number, readonly Pod[]>();
  for (const pod of pods) {
    for (const number of portsNamed(name, protocol, pod)) byNumber.set(number, [...(byNumber.get(number) ?? []), pod]);
  }
  return byNumber;
}
