import type { Address } from "../../wire/address.ts";

/** `[!] -s`, `[!] -d`: an address under a prefix. `base` has no bits beyond the prefix. */
export interface AddressMatch {
  readonly kind: "source" | "destination";
  readonly base: Address;
  readonly prefixLength: number;
  readonly inverted: boolean;
}

/** `[!] -p`: the IANA protocol number. */
export interface ProtocolMatch {
  readonly kind: "protocol";
  readonly number: number;
  readonly inverted: boolean;
}

/** `[!] -i`, `[!] -o`: a device name; a trailing `+` matches any name that begins so. */
export interface InterfaceMatch {
  readonly kind: "in-interface" | "out-interface";
  readonly name: string;
  readonly inverted: boolean;
}

/** `[!] -f`: second and further fragments (IPv4). */
export interface FragmentMatch {
  readonly kind: "fragment";
  readonly inverted: boolean;
}
