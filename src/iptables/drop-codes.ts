import type { DropCode } from "../kernel/drop-codes.ts";

/** Why rules end a packet. Codes are stable. */
export const ruleDropCodes = {
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
} as const satisfies Readonly<Record<string, DropCode>>;

export type RuleDropCode = keyof typeof ruleDropCodes;
