/** `-m mark --mark VALUE/MASK`, `-m connmark --mark VALUE/MASK`. A mask of 0xffffffff is not printed. */
export interface MarkMatch {
  readonly kind: "mark" | "connmark";
  readonly value: number;
  readonly mask: number;
  readonly inverted: boolean;
}
