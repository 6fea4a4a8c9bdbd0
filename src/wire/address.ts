/**
 * IP addresses as numbers: IPv4 is a uint32, IPv6 a bigint, so that comparing, masking and map keys cost
 * nanoseconds. The family is the JavaScript type. Text goes in and out here only.
 */
declare const ipv4Brand: unique symbol;
declare const ipv6Brand: unique symbol;

/** An IPv4 address as an unsigned 32-bit number. */
export type IPv4 = number & { readonly [ipv4Brand]: true };
/** An IPv6 address as a 128-bit bigint. */
export type IPv6 = bigint & { readonly [ipv6Brand]: true };
export type Address = IPv4 | IPv6;
export type Family = "ipv4" | "ipv6";

export function familyOf(address: Address): Family {
  return typeof address === "number" ? "ipv4" : "ipv6";
}

export function isIPv4(address: Address): address is IPv4 {
  return typeof address === "number";
}

export function isIPv6(address: Address): address is IPv6 {
  return typeof address === "bigint";
}

/** The uint32 as an IPv4 address; bits above 32 are cut off. */
export function ipv4(value: number): IPv4 {
  return (value >>> 0) as IPv4;
}

/** The low 128 bits as an IPv6 address. */
export function ipv6(value: bigint): IPv6 {
  return BigInt.asUintN(128, value) as IPv6;
}

/** Parses dotted-quad text; undefined when it is not one. Leading zeros are refused, as in Go's netip. */
export function parseIPv4(text: string): IPv4 | undefined {
  let value = 0;
  let octet = -1;
  let octets = 0;
  for (let i = 0; i <= text.length; i++) {
    const code = i === text.length ? 46 : text.charCodeAt(i);
    if (code === 46) {
      if (octet < 0 || octets === 4) return undefined;
      value = value * 256 + octet;
      octet = -1;
      octets++;
    } else if (code >= 48 && code <= 57) {
      if (octet === 0) return undefined;
      octet = (octet < 0 ? 0 : octet) * 10 + code - 48;
      if (octet > 255) return undefined;
    } else return undefined;
  }
  return octets === 4 ? ipv4(value) : undefined;
}

/** Parses RFC 4291 text (with `::` and an embedded IPv4); undefined when it is not one. Zones are refused. */
export function parseIPv6(text: string): IPv6 | undefined {
  const halves = text.split("::");
  if (halves.length > 2 || !text.includes(":")) return undefined;
  const head = groupsOf(halves[0] ?? "", halves.length === 1);
  const tail = halves.length === 2 ? groupsOf(halves[1] ?? "", true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  let value = 0n;
  for (const group of head) value = (value << 16n) | BigInt(group);
  value <<= BigInt(16 * missing);
  for (const group of tail) value = (value << 16n) | BigInt(group);
  return ipv6(value);
}

/** The 16-bit groups of one side of an IPv6 text; an embedded IPv4 may end the last side. */
function groupsOf(text: string, last: boolean): number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [index, part] of parts.entries()) {
    if (part.includes(".")) {
      const embedded = last && index === parts.length - 1 ? parseIPv4(part) : undefined;
      if (embedded === undefined) return undefined;
      groups.push(embedded >>> 16, embedded & 0xffff);
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return undefined;
      groups.push(Number.parseInt(part, 16));
    }
  }
  return groups;
}

/** Parses an address of either family. */
export function parseAddress(text: string): Address | undefined {
  return text.includes(":") ? parseIPv6(text) : parseIPv4(text);
}

/** Parses text that is known to be an address (a constant, or text that was validated before). Throws otherwise. */
export function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new RangeError(`not an IP address: ${text}`);
  return parsed;
}

export function formatIPv4(value: IPv4): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
}

/** RFC 5952 text; IPv4-mapped addresses print as Go prints them (`::ffff:1.2.3.4`). */
export function formatIPv6(value: IPv6): string {
  if (value >> 32n === 0xffffn) return `::ffff:${formatIPv4(ipv4(Number(value & 0xffffffffn)))}`;
  const groups: number[] = [];
  for (let shift = 112n; shift >= 0n; shift -= 16n) groups.push(Number((value >> shift) & 0xffffn));
  const run = longestZeroRun(groups);
  const hex = groups.map((group) => group.toString(16));
  if (run.length < 2) return hex.join(":");
  return `${hex.slice(0, run.start).join(":")}::${hex.slice(run.start + run.length).join(":")}`;
}

function longestZeroRun(groups: readonly number[]): { readonly start: number; readonly length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  for (let i = 0; i <= groups.length; i++) {
    if (groups[i] === 0) continue;
    if (i - start > best.length) best = { start, length: i - start };
    start = i + 1;
  }
  return best;
}

export function formatAddress(value: Address): string {
  return typeof value === "number" ? formatIPv4(value) : formatIPv6(value);
}

/** `10.0.0.1:80`, `[fd00::1]:80`. */
export function formatEndpoint(value: Address, port: number): string {
  return typeof value === "number" ? `${formatIPv4(value)}:${port}` : `[${formatIPv6(value)}]:${port}`;
}

/** Numeric order; IPv4 before IPv6. */
export function compareAddresses(a: Address, b: Address): number {
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

export function isLoopback(value: Address): boolean {
  return typeof value === "number" ? value >>> 24 === 127 : value === 1n;
}

export function isMulticast(value: Address): boolean {
  return typeof value === "number" ? value >>> 28 === 14 : value >> 120n === 0xffn;
}

/** fe80::/10, 169.254.0.0/16. */
export function isLinkLocal(value: Address): boolean {
  return typeof value === "number" ? value >>> 16 === 0xa9fe : value >> 118n === 0x3fan;
}

export const unspecified: { readonly ipv4: IPv4; readonly ipv6: IPv6 } = { ipv4: ipv4(0), ipv6: ipv6(0n) };
