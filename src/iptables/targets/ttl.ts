import type { OptionReader } from "../option.ts";
import type { TargetModule } from "./module.ts";

/** `-j TTL` (IPv4), `-j HL` (IPv6): sets, raises or lowers how many routers the packet may still pass. */
export interface TtlTarget {
  readonly kind: "TTL" | "HL";
  readonly action: "set" | "inc" | "dec";
  readonly value: number;
}

function changed({ action, value }: TtlTarget, ttl: number): number {
  if (action === "set") return value;
  return action === "inc" ? Math.min(255, ttl + value) : Math.max(0, ttl - value);
}

function moduleOf(kind: TtlTarget["kind"]): TargetModule<TtlTarget> {
  const name = kind.toLowerCase();
  const option =
    (action: TtlTarget["action"]) =>
    (draft: { -readonly [K in keyof TtlTarget]?: TtlTarget[K] }, read: OptionReader): void =>
      void Object.assign(draft, { action, value: read.number(action === "set" ? 0 : 1, 255) });
  return {
    options: {
      [`--${name}-set`]: option("set"),
      [`--${name}-inc`]: option("inc"),
      [`--${name}-dec`]: option("dec"),
    },
    start: () => ({ kind }),
    finish({ action, value }, read) {
      if (action === undefined || value === undefined) {
        return read.fail("MISSING_OPTION", `${kind} needs --${name}-set, --${name}-inc or --${name}-dec`);
      }
      return { kind, action, value };
    },
    print: (target) => `--${name}-${target.action} ${target.value}`,
    effects(target, { state: { skb } }) {
      const { ttl } = skb.packet;
      const to = changed(target, ttl);
      return to === ttl ? {} : { changes: [{ field: "ttl", from: ttl, to }] };
    },
    run(target, { state: { skb } }) {
      skb.packet = { ...skb.packet, ttl: changed(target, skb.packet.ttl) };
      return "continue";
    },
  };
}

export const ttl: TargetModule<TtlTarget> = moduleOf("TTL");
export const hl: TargetModule<TtlTarget> = moduleOf("HL");
