/** A range of ids. */
export interface IdRange {
  readonly from: number;
  readonly to: number;
  readonly inverted: boolean;
}

/** `-m owner`: who owns the socket that sent a local packet. */
export interface OwnerMatch {
  readonly kind: "owner";
  readonly uid?: IdRange;
  readonly gid?: IdRange;
  readonly socketExists?: { readonly inverted: boolean };
  readonly supplGroups?: true;
}
