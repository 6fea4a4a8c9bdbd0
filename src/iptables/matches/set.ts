/** `-m set [!] --match-set NAME src,dst`. */
export interface SetMatch {
  readonly kind: "set";
  readonly set: string;
  /** Which side each dimension of the set is taken from. */
  readonly flags: readonly ("src" | "dst")[];
  readonly inverted: boolean;
  /** `--return-nomatch`. */
  readonly returnNomatch?: true;
}
