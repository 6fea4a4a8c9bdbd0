import type { NatStatus } from "./entry.ts";

/** All sixteen: entries share them, as a million connections would else carry a million alike. */
const statuses: readonly NatStatus[] = Array.from({ length: 16 }, (_, bits) => ({
  dstDone: (bits & 1) !== 0,
  srcDone: (bits & 2) !== 0,
  dst: (bits & 4) !== 0,
  src: (bits & 8) !== 0,
}));

/** Nothing is settled yet. */
export const untouched: NatStatus = statuses[0] as NatStatus;

/** One end is settled, translated or as it is. */
export function settle(status: NatStatus, manip: "src" | "dst", translated: boolean): NatStatus {
  const before = statuses.indexOf(status);
  const done = manip === "dst" ? 1 : 2;
  return statuses[before | done | (translated ? done << 2 : 0)] as NatStatus;
}
