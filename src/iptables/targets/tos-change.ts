import type { TargetModule } from "./module.ts";

/** A target that writes TOS or traffic class, and lets the packet go on: what it makes of the one that was there. */
export function tosChange<T>(changed: (target: T, tos: number) => number): Pick<TargetModule<T>, "effects" | "run"> {
  return {
    effects(target, { state: { skb } }) {
      const from = skb.packet.tos ?? 0;
      const to = changed(target, from);
      return to === from ? {} : { changes: [{ field: "tos", from, to }] };
    },
    run(target, { state: { skb } }) {
      skb.packet = { ...skb.packet, tos: changed(target, skb.packet.tos ?? 0) };
      return "continue";
    },
  };
}
