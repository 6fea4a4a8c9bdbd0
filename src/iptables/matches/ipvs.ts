import type { Address } from "../../wire/address.ts";

/** `-m ipvs`: properties of a packet's IPVS connection. */
export interface IpvsMatch {
  readonly kind: "ipvs";
  /** `[!] --ipvs`: belongs to an IPVS connection at all. */
  readonly connection?: { readonly inverted: boolean };
  readonly protocol?: { readonly number: number; readonly inverted: boolean };
  readonly virtualAddress?: { readonly base: Address; readonly prefixLength: number; readonly inverted: boolean };
  readonly virtualPort?: { readonly port: number; readonly inverted: boolean };
  readonly direction?: "ORIGINAL" | "REPLY";
  readonly method?: { readonly name: "GATE" | "IPIP" | "MASQ"; readonly inverted: boolean };
  readonly controlPort?: { readonly port: number; readonly inverted: boolean };
}
