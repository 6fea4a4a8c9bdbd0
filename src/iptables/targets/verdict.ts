import type { TargetModule } from "./module.ts";

/** `-j ACCEPT`, `-j DROP`, `-j RETURN`. RETURN and the chain targets are the walk's own business. */
export interface VerdictTarget {
  readonly kind: "ACCEPT" | "DROP" | "RETURN";
}

/** `-j CHAIN`, `-g CHAIN`. A packet that returns from a chain it went to by `-g` returns to the caller's caller. */
export interface ChainTarget {
  readonly kind: "jump" | "goto";
  readonly chain: string;
}

const verdict: TargetModule<VerdictTarget> = {
  options: {},
  start: () => ({}),
  print: () => "",
  run: (target) => (target.kind === "ACCEPT" ? "accept" : "drop"),
};

export const accept: TargetModule<VerdictTarget> = { ...verdict, start: () => ({ kind: "ACCEPT" }) };
export const drop: TargetModule<VerdictTarget> = { ...verdict, start: () => ({ kind: "DROP" }) };
export const returning: TargetModule<VerdictTarget> = { ...verdict, start: () => ({ kind: "RETURN" }) };
