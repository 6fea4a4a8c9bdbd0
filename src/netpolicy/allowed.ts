import type { NetworkPolicy, Pod, Protocol } from "../cluster/objects.ts";
import { type Family, familyOf, parseAddress } from "../wire/address.ts";
import { type End, type PolicyOptions, addressOf, peersInclude, podOf } from "./peers.ts";
import {
  type Connections,
  connectionsOf,
  everything,
  includes,
  intersection,
  nothing,
  rangesOf,
  union,
} from "./ports.ts";
import { type Direction, type PolicyView, isolating } from "./view.ts";

/*
 * NetworkPolicy as the API text defines it (k8s.io/api/networking/v1), without any data plane: a connection needs the
 * egress of its source and the ingress of its destination. Ports and addresses are those behind Services.
 */

/** A new connection. Of ICMP and other protocols the port has no meaning. */
export interface Connection {
  readonly src: End;
  readonly dst: End;
  readonly protocol: Protocol | "ICMP";
  readonly port: number;
  /** Of two dual-stack pods; the family of their first address otherwise. */
  readonly family?: Family;
}

/** Why a direction allows or denies a connection. */
export type Reason =
  /** The end is not a pod that policies act on. */
  | "not-a-pod"
  /** No policy of this direction selects the pod. */
  | "not-isolated"
  /** A pod that talks to itself never leaves its namespace. */
  | "same-pod"
  /** The source is the node that the pod runs on: always allowed. */
  | "own-node"
  /** At least one rule allows it. */
  | "rule"
  /** Policies select the pod, and none of their rules allows it. */
  | "no-rule";

/** One rule of a policy that isolates the pod, and what of it applies. */
export interface RuleCheck {
  readonly policy: NetworkPolicy;
  readonly direction: Direction;
  /** Index in `spec.ingress` or `spec.egress`. */
  readonly index: number;
  readonly peersMatch: boolean;
  readonly portsMatch: boolean;
}

/** The verdict of one direction. */
export interface SideDecision {
  readonly direction: Direction;
  readonly allowed: boolean;
  readonly reason: Reason;
  /** The policies that isolate the pod. */
  readonly policies: readonly NetworkPolicy[];
  /** All their rules; those where both matched allow the connection. */
  readonly rules: readonly RuleCheck[];
}

export interface Decision {
  readonly allowed: boolean;
  readonly egress: SideDecision;
  readonly ingress: SideDecision;
}

/** Whether the policies allow a new connection, with the policies and rules that decided. */
export function allowed(view: PolicyView, connection: Connection, options: PolicyOptions = {}): Decision {
  const egress = decide(view, connection, "Egress", options);
  const ingress = decide(view, connection, "Ingress", options);
  return { allowed: egress.allowed && ingress.allowed, egress, ingress };
}

/** Everything that the policies allow from one end to another, over all ports. */
export function allowedConnections(
  view: PolicyView,
  src: End,
  dst: End,
  options: PolicyOptions & { readonly family?: Family } = {},
): Connections {
  const family = options.family ?? familyBetween(src, dst);
  const side = (direction: Direction): Connections => {
    const [subject, peer] = direction === "Egress" ? [src, dst] : [dst, src];
    if (exemption(view, src, dst, direction, family) !== undefined) return everything;
    return isolating(view, subject as Pod, direction)
      .flatMap((policy) =>
        rulesOf(policy, direction)
          .filter((rule) => peersInclude(view, policy, rule.peers, peer, family, options))
          .map((rule) => connectionsOf(rule.ports, podOf(dst))),
      )
      .reduce(union, nothing);
  };
  return intersection(side("Egress"), side("Ingress"));
}

function decide(view: PolicyView, connection: Connection, direction: Direction, options: PolicyOptions): SideDecision {
  const { src, dst, protocol, port } = connection;
  const family = connection.family ?? familyBetween(src, dst);
  const exempt = exemption(view, src, dst, direction, family);
  if (exempt !== undefined) return { direction, allowed: true, reason: exempt, policies: [], rules: [] };
  const [subject, peer] = direction === "Egress" ? [src, dst] : [dst, src];
  const policies = isolating(view, subject as Pod, direction);
  const destination = podOf(dst);
  const rules = policies.flatMap((policy) =>
    rulesOf(policy, direction).map((rule, index) => ({
      policy,
      direction,
      index,
      peersMatch: peersInclude(view, policy, rule.peers, peer, family, options),
      portsMatch:
        rule.ports.length === 0 ||
        rule.ports.some((entry) => entry.protocol === protocol && includes(rangesOf(entry, destination), port)),
    })),
  );
  const permitted = rules.some((rule) => rule.peersMatch && rule.portsMatch);
  return { direction, allowed: permitted, reason: permitted ? "rule" : "no-rule", policies, rules };
}

/** Why no rule of this direction is asked, if none is. */
function exemption(view: PolicyView, src: End, dst: End, direction: Direction, family: Family): Reason | undefined {
  const subject = podOf(direction === "Egress" ? src : dst);
  if (subject === undefined) return "not-a-pod";
  if (src === dst) return "same-pod";
  if (isolating(view, subject, direction).length === 0) return "not-isolated";
  if (direction === "Ingress" && isNodeOf(view, subject, src, family)) return "own-node";
  return undefined;
}

function rulesOf(policy: NetworkPolicy, direction: Direction): NetworkPolicy["spec"]["ingress"] {
  return direction === "Ingress" ? policy.spec.ingress : policy.spec.egress;
}

/** networking/v1 NetworkPolicySpec.ingress: "OR if the traffic source is the pod's local node". */
function isNodeOf(view: PolicyView, pod: Pod, source: End, family: Family): boolean {
  if (podOf(source) !== undefined || pod.spec.nodeName === undefined) return false;
  if (typeof source === "object") return source.spec.hostNetwork && source.spec.nodeName === pod.spec.nodeName;
  const node = view.nodes.find((candidate) => candidate.metadata.name === pod.spec.nodeName);
  const address = addressOf(source, family);
  return node?.status.addresses.some((entry) => parseAddress(entry.address) === address) ?? false;
}

function familyBetween(src: End, dst: End): Family {
  for (const end of [src, dst]) {
    if (typeof end !== "object") return familyOf(end);
  }
  const first = parseAddress((src as Pod).status.podIPs[0] ?? "");
  return first === undefined ? "ipv4" : familyOf(first);
}
