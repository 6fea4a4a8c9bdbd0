import type { TargetModule } from "./module.ts";

/** `-j CHECKSUM --checksum-fill`: has a checksum computed that a network card would have. Every packet here has one. */
export interface ChecksumTarget {
  readonly kind: "CHECKSUM";
}

export const checksum: TargetModule<ChecksumTarget> = {
  options: { "--checksum-fill": () => {} },
  start: () => ({ kind: "CHECKSUM" }),
  print: () => "--checksum-fill",
  run: () => "continue",
};
