/** `-j SET --add-set NAME src,dst`, `--del-set`. */
export interface SetTarget {
  readonly kind: "SET";
  readonly action: "add" | "del";
  readonly set: string;
  readonly flags: readonly ("src" | "dst")[];
  readonly exist?: true;
  /** Seconds. */
  readonly timeout?: number;
}
