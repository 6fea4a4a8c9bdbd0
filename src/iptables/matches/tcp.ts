import type { PortRange } from "./ranges.ts";

/** `-m tcp`: ports, flags and options of a TCP segment. Without any of them it matches every one. */
export interface TcpMatch {
  readonly kind: "tcp";
  readonly srcPorts?: PortRange;
  readonly dstPorts?: PortRange;
  /** `--tcp-flags MASK COMPARE` as header bits: FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32. */
  readonly flags?: { readonly mask: number; readonly compare: number; readonly inverted: boolean };
  /** `--tcp-option NUMBER`. */
  readonly option?: { readonly number: number; readonly inverted: boolean };
}
