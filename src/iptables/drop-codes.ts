import type { DropCode } from "../kernel/drop-codes.ts";

export type RuleDropCode = "RULE_DROP" | "RULE_REJECT" | "POLICY_DROP" | "NAT_IMPOSSIBLE" | "CHAIN_LOOP";

/** Why rules end a packet. Codes are stable. */
export const ruleDropCodes: Readonly<Record<RuleDropCode, DropCode>> = {
  RULE_DROP: { meaning: "A rule dropped the packet: its sender hears nothing.", kernelReason: "NETFILTER_DROP" },
  RULE_REJECT: { meaning: "A rule refused the packet.", kernelReason: "NETFILTER_DROP" },
  POLICY_DROP: {
    meaning: "No rule let the packet pass, and the chain's policy is DROP.",
    kernelReason: "NETFILTER_DROP",
  },
  NAT_IMPOSSIBLE: {
    meaning: "The packet could not be translated: no address or no free port.",
    kernelReason: "NETFILTER_DROP",
  },
  CHAIN_LOOP: { meaning: "The rules jump in a circle: no real kernel would have taken them." },
};
