import type { NatStatus } from "./entry.ts";

/** All sixteen, by their bits. */
const statuses: readonly NatStatus[] = Array.from({ length: 16 }, (_, bits) => ({
  dstDone: (bits & 1) !== 0,
  srcDone: (bits & 2) !== 0,
  dst: (bits & 4) !== 0,
  src: (bits & 8) !== 0,
}));

/** The status with these bits; 0: nothing is settled yet. */
export function natStatus(bits: number): NatStatus {
  return statuses[bits] as NatStatus;
}

export function natBits({ dstDone, srcDone, dst, src }: NatStatus): number {
  return (dstDone ? 1 : 0) | (srcDone ? 2 : 0) | (dst ? 4 : 0) | (src ? 8 : 0);
}

/** One end is settled, translated or as it is. */
export function settle(status: NatStatus, manip: "src" | "dst", translated: boolean): NatStatus {
  const before = natBits(status);
  const done = manip === "dst" ? 1 : 2;
  return statuses[before | done | (translated ? done << 2 : 0)] as NatStatus;
}
