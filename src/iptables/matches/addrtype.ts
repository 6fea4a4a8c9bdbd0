/** The types of an address that routing knows (enum, uapi/linux/rtnetlink.h), by their bit. */
export const addressTypes = [
  "UNSPEC",
  "UNICAST",
  "LOCAL",
  "BROADCAST",
  "ANYCAST",
  "MULTICAST",
  "BLACKHOLE",
  "UNREACHABLE",
  "PROHIBIT",
  "THROW",
  "NAT",
  "XRESOLVE",
] as const;

export type AddressType = (typeof addressTypes)[number];

/** One side of `-m addrtype`. */
export interface AddressTypes {
  readonly types: readonly AddressType[];
  readonly inverted: boolean;
}

/** `-m addrtype`. */
export interface AddrtypeMatch {
  readonly kind: "addrtype";
  readonly src?: AddressTypes;
  readonly dst?: AddressTypes;
  /** Look at the incoming, or outgoing, device alone. */
  readonly limitInterface?: "in" | "out";
}
