import { type Address, type Family, familyOf, formatAddress, parseAddress } from "../wire/address.ts";
import { type Cidr, parseCidr } from "../wire/cidr.ts";

/**
 * Addresses of API objects as kube-proxy reads them: leading zeros of a dotted quad are decimal
 * (k8s.io/utils/net, ParseIPSloppy and ParseCIDRSloppy).
 */
export function parseAddressSloppy(text: string): Address | undefined {
  return parseAddress(withoutLeadingZeros(text));
}

/** The block with its host bits cleared; undefined when the text is not one. */
export function parseCidrSloppy(text: string): Cidr | undefined {
  return text.includes("/") ? parseCidr(withoutLeadingZeros(text)) : undefined;
}

/** The canonical text of an address of the family; undefined for any other text. */
export function canonicalAddress(text: string, family: Family): string | undefined {
  const address = parseAddressSloppy(text);
  return address !== undefined && familyOf(address) === family ? formatAddress(address) : undefined;
}

function withoutLeadingZeros(text: string): string {
  return text.includes(":") ? text : text.replace(/(^|\.)0+(?=\d)/g, "$1");
}
