import { type HookState, type HookVerdict, priorities } from "../kernel/netfilter.ts";
import type { NetworkNamespace } from "../kernel/namespace.ts";
import type { HookName } from "../trace/records.ts";

/** Says what would decide about a packet here and is not modelled; undefined where nothing of the kind does. */
export type Unmodelled = (state: HookState) => string | undefined;

/** From here on packets for which `decides` has a sentence end as unknown. It looks where DNAT does. */
export function endAsUnknown(namespace: NetworkNamespace, hooks: readonly HookName[], decides: Unmodelled): void {
  const run = (state: HookState): HookVerdict => {
    const text = decides(state);
    if (text === undefined) return "accept";
    const { track } = state.skb;
    track?.step({ kind: "nat", manip: "dst", action: "none", text });
    track?.verdict("unknown");
    namespace.surroundings.recorder.doubt(text);
    return "unknown";
  };
  for (const family of ["ipv4", "ipv6"] as const) {
    for (const hook of hooks)
      namespace.hooks.register(family, hook, { name: "unmodelled", priority: priorities.natDst, run });
  }
}
