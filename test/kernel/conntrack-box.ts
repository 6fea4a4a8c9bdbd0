import { type HookVerdict, runHook } from "../../src/kernel/netfilter.ts";
import type { Skb } from "../../src/kernel/skb.ts";
import type { Packet } from "../../src/wire/packet.ts";
import type { Lab } from "./cluster.ts";

/** Who talk through the box. */
export const client = "10.0.0.1";
export const server = "10.0.0.2";

export type Forwarded = Skb & { verdict: HookVerdict };

/** Sends a packet through the forwarding hooks of the box, as far as they let it. */
export function forwardThrough(
  lab: Lab,
  packet: Packet,
  options: { readonly confirm?: boolean; readonly untracked?: boolean } = {},
): Forwarded {
  const namespace = lab.ns("box");
  const flowKey = `test-${packet.id}`;
  const skb: Skb = { packet, mark: 0, untracked: options.untracked ?? false, flowKey };
  const family = typeof packet.src === "number" ? "ipv4" : "ipv6";
  let verdict = runHook({ namespace, hook: "PREROUTING", family, skb });
  if (verdict === "accept" && options.confirm !== false)
    verdict = runHook({ namespace, hook: "POSTROUTING", family, skb });
  return { ...skb, verdict };
}
