import type { TargetModule } from "./module.ts";

/** `-j CT`: decides before conntrack looks (raw table). `-j NOTRACK` is the older name of `-j CT --notrack`. */
export interface CtTarget {
  readonly kind: "CT" | "NOTRACK";
  readonly notrack?: true;
  /** Zones are not modelled. */
  readonly zone?: number;
  /** Options that are kept but not modelled: `--helper ftp`, `--ctevents new`, ... */
  readonly others?: readonly string[];
}

export const ct: TargetModule<CtTarget> = {
  options: {
    "--notrack": (draft) => void (draft.notrack = true),
    "--zone": (draft, read) => void (draft.zone = read.number(0, 65_535)),
    ...Object.fromEntries(
      ["--helper", "--ctevents", "--expevents", "--timeout", "--zone-orig", "--zone-reply"].map((option) => [
        option,
        (draft: { others?: readonly string[] }, read: { value(): string }) =>
          void (draft.others = [...(draft.others ?? []), option, read.value()]),
      ]),
    ),
  },
  start: () => ({ kind: "CT" }),
  print: (target) =>
    [
      ...(target.notrack ? ["--notrack"] : []),
      ...(target.others ?? []),
      ...(target.zone === undefined ? [] : [`--zone ${target.zone}`]),
    ].join(" "),
  run(target, { state: { skb } }) {
    if (skb.conntrack !== undefined) return "continue";
    if (target.notrack || target.kind === "NOTRACK") skb.untracked = true;
    return (target.zone ?? 0) !== 0 || target.others !== undefined ? "unknown" : "continue";
  },
  needsConntrack: (target) => target.kind === "CT" && target.notrack !== true,
};

export const notrack: TargetModule<CtTarget> = { ...ct, options: {}, start: () => ({ kind: "NOTRACK" }) };
