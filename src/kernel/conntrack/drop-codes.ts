import type { DropCode } from "../drop-codes.ts";

export type ConntrackDropCode = "CONNTRACK_FULL" | "CONNTRACK_CLASH" | "NAT_REDIRECT";

/** Why connection tracking or NAT ends a packet. */
export const conntrackDropCodes: Readonly<Record<ConntrackDropCode, DropCode>> = {
  CONNTRACK_FULL: {
    meaning: "The connection table is full (net.netfilter.nf_conntrack_max).",
    kernelReason: "NETFILTER_DROP",
  },
  CONNTRACK_CLASH: {
    meaning: "Another packet confirmed the same connection first (insert_failed).",
    kernelReason: "NETFILTER_DROP",
  },
  NAT_REDIRECT: {
    meaning: "An ICMP redirect about a translated connection.",
    kernelReason: "NETFILTER_DROP",
  },
};
