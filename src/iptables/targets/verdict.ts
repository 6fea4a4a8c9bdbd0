/** `-j ACCEPT`, `-j DROP`, `-j RETURN`. */
export interface VerdictTarget {
  readonly kind: "ACCEPT" | "DROP" | "RETURN";
}

/** `-j CHAIN`, `-g CHAIN`. A packet that returns from a chain it went to by `-g` returns to the caller's caller. */
export interface ChainTarget {
  readonly kind: "jump" | "goto";
  readonly chain: string;
}
