import type { Address } from "../../wire/address.ts";

/** `-j TPROXY`: hands the packet to a local transparent socket. */
export interface TproxyTarget {
  readonly kind: "TPROXY";
  readonly port: number;
  readonly address?: Address;
  readonly markValue: number;
  readonly markMask: number;
}
