import { hex2, readClass } from "../dscp.ts";
import type { TargetModule } from "./module.ts";

/** `-j DSCP`: sets the upper six bits of TOS or traffic class; nothing here routes by them. */
export interface DscpTarget {
  readonly kind: "DSCP";
  readonly value: number;
}

function changed({ value }: DscpTarget, tos: number): number {
  return (tos & 3) | (value << 2);
}

export const dscp: TargetModule<DscpTarget> = {
  options: {
    "--set-dscp": (draft, read) => void (draft.value = read.number(0, 63)),
    "--set-dscp-class": (draft, read) => void (draft.value = readClass(read)),
  },
  start: () => ({ kind: "DSCP" }),
  finish: ({ value }, read) =>
    value === undefined
      ? read.fail("MISSING_OPTION", "DSCP needs --set-dscp or --set-dscp-class")
      : { kind: "DSCP", value },
  print: (target) => `--set-dscp ${hex2(target.value)}`,
  effects(target, { state: { skb } }) {
    const from = skb.packet.tos ?? 0;
    const to = changed(target, from);
    return to === from ? {} : { changes: [{ field: "tos", from, to }] };
  },
  run(target, { state: { skb } }) {
    skb.packet = { ...skb.packet, tos: changed(target, skb.packet.tos ?? 0) };
    return "continue";
  },
};
