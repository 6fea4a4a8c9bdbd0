import type { Address } from "../../wire/address.ts";

/** `-j DNAT --to-destination`, `-j SNAT --to-source`. */
export interface NatTarget {
  readonly kind: "DNAT" | "SNAT";
  /** Absent: the address stays (`:53`). */
  readonly address?: Address;
  /** End of a range of addresses. */
  readonly lastAddress?: Address;
  readonly port?: number;
  /** End of a range of ports. */
  readonly lastPort?: number;
  readonly random?: true;
  readonly randomFully?: true;
  readonly persistent?: true;
}

/** `-j MASQUERADE`: SNAT to the address of the device the packet leaves by. */
export interface MasqueradeTarget {
  readonly kind: "MASQUERADE";
  readonly port?: number;
  readonly lastPort?: number;
  readonly random?: true;
  readonly randomFully?: true;
}

/** `-j REDIRECT`: DNAT to the device's own address, or to loopback for local packets. */
export interface RedirectTarget {
  readonly kind: "REDIRECT";
  readonly port?: number;
  readonly lastPort?: number;
  readonly random?: true;
}
