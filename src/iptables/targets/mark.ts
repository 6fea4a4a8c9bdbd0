import { hex, readMark } from "../matches/mark.ts";
import type { TargetModule } from "./module.ts";

/**
 * `-j MARK --set-xmark VALUE/MASK`: mark = (mark & ~MASK) ^ VALUE.
 * `--or-mark M` is M/M, `--xor-mark M` is M/0, `--set-mark M` is M/0xffffffff.
 */
export interface MarkTarget {
  readonly kind: "MARK";
  readonly value: number;
  readonly mask: number;
}

export function xmark(old: number, value: number, mask: number): number {
  return ((old & ~mask) ^ value) >>> 0;
}

export const mark: TargetModule<MarkTarget> = {
  options: {
    "--set-xmark": (draft, read) => void Object.assign(draft, readMark(read)),
    "--set-mark"(draft, read) {
      const { value, mask } = readMark(read);
      Object.assign(draft, { value, mask: (value | mask) >>> 0 });
    },
    "--or-mark"(draft, read) {
      const value = read.number(0, 0xffffffff);
      Object.assign(draft, { value, mask: value });
    },
    "--and-mark": (draft, read) => void Object.assign(draft, { value: 0, mask: ~read.number(0, 0xffffffff) >>> 0 }),
    "--xor-mark": (draft, read) => void Object.assign(draft, { value: read.number(0, 0xffffffff), mask: 0 }),
  },
  start: () => ({ kind: "MARK" }),
  finish({ value, mask }, read) {
    if (value === undefined || mask === undefined)
      return read.fail("MISSING_OPTION", "MARK needs --set-xmark or another mark");
    return { kind: "MARK", value, mask };
  },
  print: (target) => `--set-xmark ${hex(target.value)}/${hex(target.mask)}`,
  effects(target, { state: { skb } }) {
    const to = xmark(skb.mark, target.value, target.mask);
    return to === skb.mark ? {} : { changes: [{ field: "mark", from: skb.mark, to }] };
  },
  run(target, { state: { skb } }) {
    skb.mark = xmark(skb.mark, target.value, target.mask);
    return "continue";
  },
};
