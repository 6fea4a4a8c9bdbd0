import { chainName } from "../../iptables/proxier-names.ts";
import type { Family } from "../../wire/address.ts";

/*
 * kube-router's names: pkg/controllers/netpol/policy.go and pod.go. Its chains carry the time of the sync in their
 * hash, so that a new sync never touches a chain in use; here every sync has the version 0, for stable output.
 */

export const routerChains = {
  INPUT: "KUBE-ROUTER-INPUT",
  FORWARD: "KUBE-ROUTER-FORWARD",
  OUTPUT: "KUBE-ROUTER-OUTPUT",
} as const;
/** What concerns every packet of a pod: its connection's state, and ICMP. */
export const commonChain = "KUBE-NWPLCY-COMMON";
/** Where a direction that no policy isolates is let through. */
export const defaultChain = "KUBE-NWPLCY-DEFAULT";
export const tailChain = "KUBE-NWPLCY-TAIL";

const syncVersion = "0";

function familyName(family: Family): string {
  return family === "ipv4" ? "IPv4" : "IPv6";
}

export function policyChainName(namespace: string, name: string, family: Family): string {
  return chainName("KUBE-NWPLCY-", namespace + name + syncVersion + familyName(family));
}

export function podChainName(namespace: string, name: string): string {
  return chainName("KUBE-POD-FW-", namespace + name + syncVersion);
}

/** The pods that a policy selects, as destinations of its ingress or sources of its egress. */
export function targetSetName(namespace: string, name: string, side: "src" | "dst", family: Family): string {
  return setName(side, namespace + name + familyName(family), family);
}

/** The pods, or the blocks, that a rule lists as peers. */
export function peerSetName(
  namespace: string,
  name: string,
  direction: "Ingress" | "Egress",
  rule: number,
  kind: "pod" | "ipblock",
  family: Family,
): string {
  const side = direction === "Ingress" ? "src" : "dst";
  return setName(side, `${namespace}${name}${direction.toLowerCase()}rule${rule}${familyName(family)}${kind}`, family);
}

/** The pods that have a rule's named port under one number. */
export function namedPortSetName(
  namespace: string,
  name: string,
  direction: "Ingress" | "Egress",
  rule: number,
  entry: number,
  family: Family,
): string {
  return setName(
    "dst",
    `${namespace}${name}${direction.toLowerCase()}rule${rule}${entry}${familyName(family)}namedport`,
    family,
  );
}

function setName(side: "src" | "dst", hashed: string, family: Family): string {
  const name = chainName(`KUBE-${side.toUpperCase()}-`, hashed);
  return family === "ipv4" ? name : `inet6:${name}`;
}

/** Whether a chain of the filter table is kube-router's. */
export function isPolicyChain(name: string): boolean {
  return /^KUBE-(?:ROUTER|NWPLCY|POD-FW)-/.test(name);
}

export function isPolicySet(name: string): boolean {
  return /^(?:inet6:)?KUBE-(?:SRC|DST)-/.test(name);
}

/** The code that kube-router puts behind the comment of a rule, to find it again: a hash of chain and arguments. */
export function ruleCode(chain: string, args: readonly string[]): string {
  return chainName("", chain + args.join(""));
}
