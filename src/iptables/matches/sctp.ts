import type { PortRange } from "./ranges.ts";

/** `-m sctp`. */
export interface SctpMatch {
  readonly kind: "sctp";
  readonly srcPorts?: PortRange;
  readonly dstPorts?: PortRange;
  /** `--chunk-types`: `any SACK,DATA`, as written. */
  readonly chunkTypes?: { readonly mode: "any" | "all" | "only"; readonly types: string; readonly inverted: boolean };
}
