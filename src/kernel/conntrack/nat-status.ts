import type { NatStatus } from "./entry.ts";
import { natShift } from "./rows.ts";

/** Bits of the flags word of a row. */
export const dstDone: number = 1 << natShift;
export const srcDone: number = 2 << natShift;
export const dstTranslated: number = 4 << natShift;
export const srcTranslated: number = 8 << natShift;

/** All sixteen, by those bits. */
const statuses: readonly NatStatus[] = Array.from({ length: 16 }, (_, bits) => ({
  dstDone: (bits & 1) !== 0,
  srcDone: (bits & 2) !== 0,
  dst: (bits & 4) !== 0,
  src: (bits & 8) !== 0,
}));

/** The status with these four bits; 0: nothing is settled yet. */
export function natStatus(bits: number): NatStatus {
  return statuses[bits] as NatStatus;
}
