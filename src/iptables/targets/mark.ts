/**
 * `-j MARK --set-xmark VALUE/MASK`: mark = (mark & ~MASK) ^ VALUE.
 * `--or-mark M` is M/M, `--xor-mark M` is M/0, `--set-mark M` is M/0xffffffff.
 */
export interface MarkTarget {
  readonly kind: "MARK";
  readonly value: number;
  readonly mask: number;
}
