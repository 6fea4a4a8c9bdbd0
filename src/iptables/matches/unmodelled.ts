/**
 * A match that is kept and printed but not modelled. Where every modelled term of its rule matches, the
 * verdict is unknown.
 */
export interface UnmodelledMatch {
  readonly kind: "unmodelled";
  readonly name: string;
  /** The words behind `-m NAME`, as given. */
  readonly args: readonly string[];
}
