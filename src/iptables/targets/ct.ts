/** `-j CT`: decides before conntrack looks (raw table). `-j NOTRACK` is `-j CT --notrack`. */
export interface CtTarget {
  readonly kind: "CT";
  readonly notrack?: true;
  readonly zone?: number;
  /** Options that are kept but not modelled: `--helper ftp`, `--ctevents new`, ... */
  readonly others?: readonly string[];
}
