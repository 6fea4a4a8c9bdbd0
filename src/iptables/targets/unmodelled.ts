import type { TargetModule } from "./module.ts";

/** A target that is kept and printed but not modelled: a packet that gets here has an unknown fate. */
export interface UnmodelledTarget {
  readonly kind: "unmodelled";
  readonly name: string;
  /** The words behind `-j NAME`, as they were written, with their quotes. */
  readonly args: readonly string[];
}

export const unmodelled: TargetModule<UnmodelledTarget> = {
  options: {},
  start: () => ({ kind: "unmodelled" }),
  print: (target) => target.args.join(" "),
  run: () => "unknown",
};
