import type { TargetModule } from "./module.ts";

/** A target that is kept and printed but not modelled: a packet that gets here has an unknown fate, mostly. */
export interface UnmodelledTarget {
  readonly kind: "unmodelled";
  readonly name: string;
  /** The words behind `-j NAME`, as they were written, with their quotes. */
  readonly args: readonly string[];
}

/** Those that only look on, or set what nothing here looks at. */
const bystanders = new Set(["AUDIT", "CONNSECMARK", "IDLETIMER", "LED", "RATEEST", "SECMARK"]);

export const unmodelled: TargetModule<UnmodelledTarget> = {
  options: {},
  start: () => ({ kind: "unmodelled" }),
  print: (target) => target.args.join(" "),
  run: (target) => (bystanders.has(target.name) ? "continue" : "unknown"),
};
