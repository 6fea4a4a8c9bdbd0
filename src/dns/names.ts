import { type Address, formatAddress, ipv4, ipv6, parseIPv4 } from "../wire/address.ts";

/** The name with its final dot. */
export function absolute(name: string): string {
  return name.endsWith(".") ? name : `${name}.`;
}

/** Labels of a name, without the root's empty one. */
export function labelsOf(name: string): readonly string[] {
  return name.split(".").filter((label) => label !== "");
}

/** Whether `name` is `zone` or lies below it; both absolute, case does not matter (RFC 4343). */
export function isInZone(name: string, zone: string): boolean {
  if (zone === ".") return true;
  const lower = name.toLowerCase();
  const zoneLower = zone.toLowerCase();
  return lower === zoneLower || lower.endsWith(`.${zoneLower}`);
}

/** The longest of the zones that holds `name`; undefined when none does. */
export function longestZone(name: string, zones: readonly string[]): string | undefined {
  return zones
    .filter((zone) => isInZone(name, zone))
    .reduce<string | undefined>(
      (best, zone) => (best === undefined || zone.length > best.length ? zone : best),
      undefined,
    );
}

/** The labels of `name` in front of `zone`, which holds it. */
export function labelsBefore(name: string, zone: string): readonly string[] {
  return labelsOf(zone === "." ? name : name.slice(0, name.length - zone.length));
}

/** Whether the name lies below in-addr.arpa or ip6.arpa. */
export function isReverseName(name: string): boolean {
  return isInZone(name, "in-addr.arpa.") || isInZone(name, "ip6.arpa.");
}

/** The address a reverse name spells out in full; undefined for anything else. RFC 1035, 3.5; RFC 3596, 2.5. */
export function addressOfReverse(name: string): Address | undefined {
  if (isInZone(name, "in-addr.arpa.")) {
    const octets = labelsBefore(name, "in-addr.arpa.");
    return octets.length === 4 ? parseIPv4([...octets].reverse().join(".")) : undefined;
  }
  if (!isInZone(name, "ip6.arpa.")) return undefined;
  const nibbles = labelsBefore(name, "ip6.arpa.");
  if (nibbles.length !== 32 || !nibbles.every((nibble) => /^[0-9a-f]$/i.test(nibble))) return undefined;
  return ipv6(BigInt(`0x${[...nibbles].reverse().join("")}`));
}

/** The name under which PTR records of an address stand. */
export function reverseName(address: Address): string {
  if (typeof address === "number") {
    return `${formatAddress(address).split(".").reverse().join(".")}.in-addr.arpa.`;
  }
  return `${[...address.toString(16).padStart(32, "0")].reverse().join(".")}.ip6.arpa.`;
}

/**
 * The reverse zones of a CIDR, as a Corefile's zone list takes one: `10.0.0.0/8` is `10.in-addr.arpa.`. A length
 * that ends inside a label gives every zone it covers. CoreDNS plugin/normalize.go, plugin/pkg/cidr.
 */
export function reverseZones(base: Address, prefixLength: number): readonly string[] {
  const step = typeof base === "number" ? 8 : 4;
  const bits = typeof base === "number" ? 32 : 128;
  const labels = Math.ceil(prefixLength / step);
  const count = 2 ** (labels * step - prefixLength);
  const zones: string[] = [];
  for (let index = 0; index < count; index++) {
    const shift = bits - labels * step;
    const address =
      typeof base === "number" ? ipv4(base + index * 2 ** shift) : ipv6(base + (BigInt(index) << BigInt(shift)));
    zones.push(
      reverseName(address)
        .split(".")
        .slice((bits - labels * step) / step)
        .join("."),
    );
  }
  return zones;
}

/** Whether the name is too long for the DNS, or has a label that is (RFC 1035, section 2.3.4). */
export function isTooLong(name: string): boolean {
  return name.replace(/\.$/, "").length > 253 || labelsOf(name).some((label) => label.length > 63);
}
