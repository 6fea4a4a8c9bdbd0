import { hex2, readTos } from "../dscp.ts";
import type { TargetModule } from "./module.ts";
import { tosChange } from "./tos-change.ts";

/** `-j TOS --set-tos VALUE/MASK`: tos = (tos & ~MASK) ^ VALUE; nothing here routes by it. */
export interface TosTarget {
  readonly kind: "TOS";
  readonly value: number;
  readonly mask: number;
}

export const tos: TargetModule<TosTarget> = {
  options: {
    "--set-tos": (draft, read) => void Object.assign(draft, readTos(read)),
    "--and-tos": (draft, read) => void Object.assign(draft, { value: 0, mask: ~read.number(0, 255) & 0xff }),
    "--or-tos"(draft, read) {
      const value = read.number(0, 255);
      Object.assign(draft, { value, mask: value });
    },
    "--xor-tos": (draft, read) => void Object.assign(draft, { value: read.number(0, 255), mask: 0 }),
  },
  start: () => ({ kind: "TOS" }),
  finish({ value, mask }, read) {
    if (value === undefined || mask === undefined)
      return read.fail("MISSING_OPTION", "TOS needs --set-tos, --and-tos, --or-tos or --xor-tos");
    return { kind: "TOS", value, mask };
  },
  print: ({ value, mask }) => `--set-tos ${hex2(value)}/${hex2(mask)}`,
  ...tosChange(({ value, mask }, tos) => (tos & ~mask) ^ value),
};
