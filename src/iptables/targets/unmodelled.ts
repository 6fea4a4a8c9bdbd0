/** A target that is kept and printed but not modelled: a packet that gets here has an unknown fate. */
export interface UnmodelledTarget {
  readonly kind: "unmodelled";
  readonly name: string;
  /** The words behind `-j NAME`, as given. */
  readonly args: readonly string[];
}
