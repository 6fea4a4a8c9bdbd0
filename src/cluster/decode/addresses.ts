import { type Address, familyOf, formatAddress, isLinkLocal, isLoopback, parseAddress } from "../../wire/address.ts";
import { type Cidr, cidr, contains, formatCidr, parseCidr } from "../../wire/cidr.ts";
import type { Path } from "../load/origin.ts";
import { parseAddressSloppy, parseCidrSloppy } from "../sloppy.ts";
import type { Reader } from "./reader.ts";

const example = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
const cidrExample = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";

/**
 * Checks an IP address and returns its text: the canonical one where the input has leading zeros, which are decimal.
 * Undefined where it is none. core validation (IsValidIPForLegacyField).
 */
export function readAddress(
  reader: Reader,
  key: string | Path,
  text: string,
  detail: string = example,
): string | undefined {
  if (parseAddress(text) !== undefined) return text;
  const sloppy = parseAddressSloppy(text);
  if (sloppy === undefined) {
    reader.invalid("BAD_ADDRESS", key, text, detail);
    return undefined;
  }
  const canonical = formatAddress(sloppy);
  noteSpelling(reader, key, "IP address", text, canonical);
  return canonical;
}

/** Checks a block, with blanks around it and host bits as the API takes them, and returns its text. */
export function readCidr(reader: Reader, key: string | Path, text: string): string | undefined {
  const trimmed = text.trim();
  if (trimmed.includes("/") && parseCidr(trimmed) !== undefined) return text;
  const sloppy = parseCidrSloppy(trimmed);
  if (sloppy === undefined) {
    reader.invalid("BAD_CIDR", key, text, cidrExample);
    return undefined;
  }
  const canonical = formatCidr(sloppy);
  noteSpelling(reader, key, "CIDR value", text, canonical);
  return canonical;
}

/** The words of the warning are the API server's own: apimachinery pkg/util/validation/ip.go (GetWarningsForIP). */
function noteSpelling(reader: Reader, key: string | Path, what: string, text: string, canonical: string): void {
  const words = `non-standard ${what} "${text}" will be considered invalid in a future Kubernetes release: use "${canonical}"`;
  reader.refuse("NON_STANDARD_ADDRESS", key, words);
}

const linkLocalMulticast: Readonly<Record<"ipv4" | "ipv6", Cidr>> = {
  ipv4: cidr(parseAddress("224.0.0.0") as Address, 24),
  ipv6: cidr(parseAddress("ff02::") as Address, 16),
};

/** Refuses addresses that nobody else could reach. core validation (ValidateNonSpecialIP). */
export function refuseSpecial(reader: Reader, key: string | Path, text: string): void {
  const address = parseAddress(text);
  if (address === undefined) return;
  const refuse = (detail: string): void => reader.invalid("BAD_ADDRESS", key, text, detail);
  if (BigInt(address) === 0n) refuse(`may not be unspecified (${text})`);
  if (isLoopback(address)) refuse("may not be in the loopback range (127.0.0.0/8, ::1/128)");
  if (isLinkLocal(address)) refuse("may not be in the link-local range (169.254.0.0/16, fe80::/10)");
  if (contains(linkLocalMulticast[familyOf(address)], address)) {
    refuse("may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)");
  }
}

/** One address, or one block, of each family at most. */
export function refuseSecondOfFamily(reader: Reader, key: string, texts: readonly string[], what: string): void {
  const families = texts.map((text) => (text.includes(":") ? "ipv6" : "ipv4"));
  if (new Set(families).size < families.length) {
    reader.invalid("BAD_VALUE", key, texts, `may specify no more than one ${what} for each IP family`);
  }
}
