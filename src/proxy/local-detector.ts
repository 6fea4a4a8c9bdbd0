import type { Family } from "../wire/address.ts";

/**
 * How kube-proxy tells traffic of local pods from the rest (`--detect-local-mode`): by source address, by the
 * bridge or by the prefix of the device it comes in by, or not at all. `cidr` and `name` are used verbatim.
 * pkg/proxy/util/iptables/traffic.go.
 */
export type LocalDetector =
  | { readonly kind: "cidr"; readonly cidr: string }
  | { readonly kind: "bridge"; readonly name: string }
  | { readonly kind: "prefix"; readonly prefix: string }
  | { readonly kind: "none" };

/** The detector of one family in the modes ClusterCIDR and NodeCIDR: the first block of that family, or none. */
export function cidrDetector(cidrs: readonly string[], family: Family): LocalDetector {
  const cidr = cidrs.find((text) => text.includes(":") === (family === "ipv6"));
  return cidr === undefined ? { kind: "none" } : { kind: "cidr", cidr };
}
