import type { Skb } from "../../kernel/skb.ts";
import type { OptionReader } from "../option.ts";
import { type MatchModule, printOption } from "./module.ts";

/** `-m mark --mark VALUE/MASK`, `-m connmark --mark VALUE/MASK`. */
export interface MarkMatch {
  readonly kind: "mark" | "connmark";
  readonly value: number;
  readonly mask: number;
  readonly inverted: boolean;
}

/** Reads `VALUE[/MASK]`; without a mask all bits count. */
export function readMark(read: OptionReader, text: string = read.value()): { value: number; mask: number } {
  const [value = "", mask] = text.split("/");
  return {
    value: read.number(0, 0xffffffff, value),
    mask: mask === undefined ? 0xffffffff : read.number(0, 0xffffffff, mask),
  };
}

export function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

/** `0x4000/0x4000`; a full mask is not printed. */
export function printMark(mark: { readonly value: number; readonly mask: number }): string {
  return mark.mask === 0xffffffff ? hex(mark.value) : `${hex(mark.value)}/${hex(mark.mask)}`;
}

/** A template of `-j CT`, before conntrack looks, has no mark; without a connection there is none. */
function connectionMark({ conntrack, zone }: Skb): number | undefined {
  return conntrack === undefined && zone !== undefined ? 0 : conntrack?.entry.mark;
}

function moduleOf(kind: MarkMatch["kind"]): MatchModule<MarkMatch> {
  const module: MatchModule<MarkMatch> = {
    options: {
      "--mark": (draft, read) => void Object.assign(draft, { inverted: read.inverted(), ...readMark(read) }),
    },
    start: () => ({ kind }),
    finish(draft, read) {
      const { value, mask, inverted } = draft;
      if (value === undefined || mask === undefined || inverted === undefined) {
        return read.fail("MISSING_OPTION", `-m ${kind} needs --mark`);
      }
      return { kind, value, mask, inverted };
    },
    print: (match) => printOption(match.inverted, "--mark", printMark(match)),
    matches(match, { state: { skb } }) {
      const mark = kind === "mark" ? skb.mark : connectionMark(skb);
      // Without a connection connmark does not match, not even inverted (net/netfilter/xt_connmark.c).
      if (mark === undefined) return false;
      return ((mark & match.mask) >>> 0 === match.value) !== match.inverted;
    },
    explain(match, { state: { skb } }) {
      const mark = kind === "mark" ? skb.mark : connectionMark(skb);
      const packet = mark === undefined ? "no connection" : mark === 0 ? "no mark" : hex(mark);
      return { term: module.print(match), packet };
    },
    ...(kind === "connmark" && { needsConntrack: true }),
  };
  return module;
}

export const mark: MatchModule<MarkMatch> = moduleOf("mark");
export const connmark: MatchModule<MarkMatch> = moduleOf("connmark");
