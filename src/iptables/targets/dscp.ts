import { hex2, readClass } from "../dscp.ts";
import type { TargetModule } from "./module.ts";
import { tosChange } from "./tos-change.ts";

/** `-j DSCP`: sets the upper six bits of TOS or traffic class; nothing here routes by them. */
export interface DscpTarget {
  readonly kind: "DSCP";
  readonly value: number;
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
  ...tosChange(({ value }, tos) => (tos & 3) | (value << 2)),
};
