import type { Address } from "../../wire/address.ts";

/** `-m recent`: a list of addresses and when they were seen (session affinity of kube-proxy). */
export interface RecentMatch {
  readonly kind: "recent";
  readonly action: "set" | "rcheck" | "update" | "remove";
  readonly name: string;
  readonly side: "source" | "destination";
  readonly inverted: boolean;
  readonly seconds?: number;
  /** Forget entries older than `seconds`. */
  readonly reap?: true;
  readonly hitcount?: number;
  readonly rttl?: true;
  /** Bits of the address that count; absent: all. */
  readonly mask?: Address;
}
