/** `-j LOG`, `-j NFLOG`, `-j TRACE`: the packet goes on. */
export interface LogTarget {
  readonly kind: "LOG" | "NFLOG" | "TRACE";
  /** The words behind the target, as given. */
  readonly args: readonly string[];
}
