import type { Address } from "../../wire/address.ts";
import type { PortRange } from "./ranges.ts";

/** Bits of `--ctstate`, in the order in which they are printed. */
export const stateBits = {
  INVALID: 1,
  NEW: 2,
  RELATED: 4,
  ESTABLISHED: 8,
  UNTRACKED: 16,
  SNAT: 32,
  DNAT: 64,
} as const;

/** Bits of `--ctstatus` (enum ip_conntrack_status); 0 is `NONE`. */
export const statusBits = { EXPECTED: 1, SEEN_REPLY: 2, ASSURED: 4, CONFIRMED: 8 } as const;

/** A set of bits, or its complement. */
export interface Bits {
  readonly bits: number;
  readonly inverted: boolean;
}

/** An address under a prefix, as `--ctorigsrc` takes it. */
export interface TupleAddress {
  readonly base: Address;
  readonly prefixLength: number;
  readonly inverted: boolean;
}

/** `-m conntrack`. */
export interface ConntrackMatch {
  readonly kind: "conntrack";
  readonly states?: Bits;
  readonly protocol?: { readonly number: number; readonly inverted: boolean };
  readonly originalSrc?: TupleAddress;
  readonly originalDst?: TupleAddress;
  readonly replySrc?: TupleAddress;
  readonly replyDst?: TupleAddress;
  readonly originalSrcPort?: PortRange;
  readonly originalDstPort?: PortRange;
  readonly replySrcPort?: PortRange;
  readonly replyDstPort?: PortRange;
  readonly status?: Bits;
  /** Seconds left. */
  readonly expire?: PortRange;
  readonly direction?: "ORIGINAL" | "REPLY";
}

/** `-m state --state`: the same states under the older name. */
export interface StateMatch {
  readonly kind: "state";
  readonly states: Bits;
}
