import type { OptionReader } from "../option.ts";
import { type MatchModule, printOption } from "./module.ts";

/** `-m ttl` (IPv4), `-m hl` (IPv6): how many routers the packet may still pass. */
export interface TtlMatch {
  readonly kind: "ttl" | "hl";
  readonly relation: "eq" | "lt" | "gt";
  readonly value: number;
  readonly inverted: boolean;
}

function moduleOf(kind: TtlMatch["kind"]): MatchModule<TtlMatch> {
  const option =
    (relation: TtlMatch["relation"]) =>
    (draft: { -readonly [K in keyof TtlMatch]?: TtlMatch[K] }, read: OptionReader): void => {
      const inverted = relation === "eq" && read.inverted();
      Object.assign(draft, { relation, inverted, value: read.number(0, 255) });
    };
  const module: MatchModule<TtlMatch> = {
    options: {
      [`--${kind}-eq`]: option("eq"),
      [`--${kind}`]: option("eq"),
      [`--${kind}-lt`]: option("lt"),
      [`--${kind}-gt`]: option("gt"),
    },
    start: () => ({ kind }),
    finish({ relation, value, inverted }, read) {
      if (relation === undefined || value === undefined || inverted === undefined) {
        return read.fail("MISSING_OPTION", `-m ${kind} needs --${kind}-eq, --${kind}-lt or --${kind}-gt`);
      }
      return { kind, relation, value, inverted };
    },
    print: (match) => printOption(match.inverted, `--${kind}-${match.relation}`, String(match.value)),
    matches({ relation, value, inverted }, { state }) {
      const { ttl } = state.skb.packet;
      if (relation === "eq") return (ttl === value) !== inverted;
      return relation === "lt" ? ttl < value : ttl > value;
    },
    explain: (match, { state }) => ({ term: module.print(match), packet: String(state.skb.packet.ttl) }),
  };
  return module;
}

export const ttl: MatchModule<TtlMatch> = moduleOf("ttl");
export const hl: MatchModule<TtlMatch> = moduleOf("hl");
