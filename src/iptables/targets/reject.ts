/** `-j REJECT --reject-with TYPE`: answers with an ICMP error or a TCP reset. */
export interface RejectTarget {
  readonly kind: "REJECT";
  /** The default is icmp-port-unreachable, icmp6-port-unreachable. Aliases are stored under their full name. */
  readonly with: RejectWith;
}

export type RejectWith =
  | "icmp-net-unreachable"
  | "icmp-host-unreachable"
  | "icmp-proto-unreachable"
  | "icmp-port-unreachable"
  | "icmp-net-prohibited"
  | "icmp-host-prohibited"
  | "icmp-admin-prohibited"
  | "icmp6-no-route"
  | "icmp6-adm-prohibited"
  | "icmp6-addr-unreachable"
  | "icmp6-port-unreachable"
  | "icmp6-policy-fail"
  | "icmp6-reject-route"
  | "tcp-reset";
