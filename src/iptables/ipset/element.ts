import { type Address, type Family, familyOf, formatAddress, parseAddress } from "../../wire/address.ts";
import { addressBits, maskAddress, parseCidr } from "../../wire/cidr.ts";
import type { Packet } from "../../wire/packet.ts";
import type { HookState } from "../../kernel/netfilter.ts";
import { icmpTypeByName, icmpTypeName, icmpTypeOf } from "../matches/icmp.ts";
import { protocolByName, protocolName } from "../protocols.ts";

/** What one dimension of a set holds. `ip` is one address, `net` a block. */
export type Dimension = "ip" | "net" | "port" | "mac" | "iface" | "mark" | "set";

export type Part =
  | { readonly kind: "ip"; readonly address: Address }
  | { readonly kind: "net"; readonly base: Address; readonly prefixLength: number }
  /** `protocol` is an IANA number; 0 in bitmap:port, which does not look at it. */
  | { readonly kind: "port"; readonly protocol: number; readonly port: number }
  | { readonly kind: "text"; readonly text: string };

/** One element: a part per dimension. */
export type Element = readonly Part[];

export class ElementProblem extends Error {}

/** Element text to elements: address ranges, blocks in `ip` dimensions and port ranges stand for many. */
export function parseElements(
  text: string,
  dimensions: readonly Dimension[],
  family: Family,
  bitmap: boolean,
): Element[] {
  const texts = text.split(",");
  if (texts.length !== dimensions.length) {
    throw new ElementProblem(`${text} has ${texts.length} parts, and the set takes ${dimensions.length}`);
  }
  let elements: Part[][] = [[]];
  // A set with devices, or with two blocks, takes all addresses as one block.
  const takesAll = dimensions.includes("iface") || dimensions.filter((dimension) => dimension === "net").length > 1;
  for (const [index, dimension] of dimensions.entries()) {
    const parts = parseParts(texts[index] ?? "", dimension, family, bitmap);
    if (!takesAll && parts.some((part) => part.kind === "net" && part.prefixLength === 0))
      throw new ElementProblem("this set cannot hold /0: add the two halves of it");
    if (elements.length * parts.length > maxElements) throw new ElementProblem(`${text} stands for too many elements`);
    elements = elements.flatMap((element) => parts.map((part) => [...element, part]));
  }
  return elements;
}

const maxElements = 65_536;

function parseParts(text: string, dimension: Dimension, family: Family, bitmap: boolean): Part[] {
  switch (dimension) {
    case "ip":
      return parseAddresses(text, family).map((address) => ({ kind: "ip", address }));
    case "net":
      return parseNets(text, family);
    case "port":
      return parsePorts(text, family, bitmap);
    case "mark":
      if (!/^(0x[\da-f]{1,8}|\d+)$/i.test(text) || Number(text) > 0xffff_ffff)
        throw new ElementProblem(`${text} is not a mark`);
      return [markPart(Number(text))];
    case "mac":
    case "iface":
    case "set":
      return [{ kind: "text", text: dimension === "mac" ? text.toLowerCase() : text }];
  }
}

function parseAddresses(text: string, family: Family): Address[] {
  const [first = "", last] = text.split("-");
  const block = parseCidr(first.includes("/") ? first : `${first}/${family === "ipv4" ? 32 : 128}`);
  if (block === undefined || familyOf(block.base) !== family)
    throw new ElementProblem(`${text} is not an address of the set's family`);
  const end = last === undefined ? undefined : parseAddress(last);
  if (last !== undefined && (end === undefined || typeof end !== typeof block.base)) {
    throw new ElementProblem(`${text} is not a range of addresses`);
  }
  const count =
    end === undefined ? 2 ** (addressBits(block.base) - block.prefixLength) : Number(end) - Number(block.base) + 1;
  if (!(count >= 1 && count <= maxElements)) throw new ElementProblem(`${text} stands for too many addresses`);
  return Array.from({ length: count }, (_, offset) =>
    typeof block.base === "number" ? ((block.base + offset) as Address) : ((block.base + BigInt(offset)) as Address),
  );
}

function parseNets(text: string, family: Family): Part[] {
  if (text.includes("-")) return parseNetRange(text, family);
  const block = parseCidr(text.includes("/") ? text : `${text}/${family === "ipv4" ? 32 : 128}`);
  if (block === undefined || familyOf(block.base) !== family)
    throw new ElementProblem(`${text} is not a block of the set's family`);
  return [{ kind: "net", ...block }];
}

/** `10.0.0.1-10.0.0.6` as the fewest blocks that cover it (ip_set_range_to_cidr); IPv4 only. */
function parseNetRange(text: string, family: Family): Part[] {
  const [first, last] = text.split("-").map(parseAddress);
  if (family !== "ipv4" || typeof first !== "number" || typeof last !== "number" || first > last)
    throw new ElementProblem(`${text} is not a range of IPv4 addresses`);
  const parts: Part[] = [];
  for (let base: number = first; base <= last;) {
    let prefixLength = 32;
    while (prefixLength > 1 && base % 2 ** (33 - prefixLength) === 0 && base + 2 ** (33 - prefixLength) - 1 <= last)
      prefixLength--;
    parts.push({ kind: "net", base: base as Address, prefixLength });
    base += 2 ** (32 - prefixLength);
  }
  return parts;
}

/** `80`, `tcp:80`, `udp:53-60`, `icmp:8/0`. */
function parsePorts(text: string, family: Family, bitmap: boolean): Part[] {
  const colon = text.indexOf(":");
  const name = colon < 0 ? "tcp" : text.slice(0, colon);
  const protocol = protocolByName(name);
  if (protocol === undefined) throw new ElementProblem(`${name} is not a protocol`);
  const range = text.slice(colon + 1);
  if (protocol === (family === "ipv4" ? 1 : 58)) {
    const [type, code] = icmpTypeByName(protocol === 1 ? "icmp" : "icmpv6", range) ?? range.split("/").map(Number);
    if (!(type !== undefined && code !== undefined && type <= 255 && code <= 255))
      throw new ElementProblem(`${text} is not icmp:TYPE/CODE`);
    return [{ kind: "port", protocol, port: type * 256 + code }];
  }
  const [first = "", last = first] = range.split("-");
  const from = Number(first);
  const to = Number(last);
  if (!/^\d+$/.test(first) || !/^\d+$/.test(last) || to > 65_535 || from > to)
    throw new ElementProblem(`${text} is not a port`);
  return Array.from({ length: to - from + 1 }, (_, offset) => ({
    kind: "port",
    protocol: bitmap ? 0 : protocol,
    port: from + offset,
  }));
}

/** The element as `ipset save` prints it. */
export function formatElement(element: Element): string {
  return element.map(formatPart).join(",");
}

function formatPart(part: Part): string {
  switch (part.kind) {
    case "ip":
      return formatAddress(part.address);
    case "net":
      return part.prefixLength === addressBits(part.base)
        ? formatAddress(part.base)
        : `${formatAddress(part.base)}/${part.prefixLength}`;
    case "port":
      if (part.protocol === 0) return String(part.port);
      if (part.protocol === 1 || part.protocol === 58) {
        const type = part.port >> 8;
        const code = part.port & 255;
        const name = icmpTypeName(part.protocol === 1 ? "icmp" : "icmpv6", type, code);
        return `${protocolName(part.protocol)}:${name ?? `${type}/${code}`}`;
      }
      return `${protocolName(part.protocol)}:${part.port}`;
    case "text":
      return part.text;
  }
}

/** A key that equal parts share. Blocks are keyed under their own prefix length. */
export function partKey(part: Part): number | bigint | string {
  switch (part.kind) {
    case "ip":
      return part.address;
    case "net":
      return typeof part.base === "number"
        ? part.base * 64 + part.prefixLength
        : part.base * 256n + BigInt(part.prefixLength);
    case "port":
      return part.protocol * 65_536 + part.port;
    case "text":
      return part.text;
  }
}

/** A mark as `ipset save` prints it. */
export function markPart(mark: number): Extract<Part, { kind: "text" }> {
  return { kind: "text", text: `0x${(mark >>> 0).toString(16).padStart(8, "0")}` };
}

/** The part of a packet that a dimension is compared with; undefined where the packet has none. */
export function partOf(state: HookState, dimension: Dimension, side: "src" | "dst", bitmap: boolean): Part | undefined {
  const { packet } = state.skb;
  switch (dimension) {
    case "ip":
    case "net":
      return { kind: "ip", address: side === "src" ? packet.src : packet.dst };
    case "port":
      return portOf(packet, side, bitmap);
    case "iface": {
      const device = side === "src" ? state.inDevice : state.outDevice;
      return device && { kind: "text", text: device.name };
    }
    case "mark":
      return markPart(state.skb.mark);
    case "mac": {
      const mac = side === "src" ? state.skb.srcMac : state.skb.dstMac;
      return mac === undefined ? undefined : { kind: "text", text: mac };
    }
    case "set":
      return undefined;
  }
}

/** ip_set_get_ip_port(): ports, or type and code of an ICMP message. */
function portOf(packet: Packet, side: "src" | "dst", bitmap: boolean): Part | undefined {
  const { transport, fragment } = packet;
  if (fragment !== undefined && fragment.offset > 0) return undefined;
  const number = bitmap ? 0 : (protocolByName(transport.protocol) ?? 0);
  switch (transport.protocol) {
    case "tcp":
    case "udp":
    case "sctp":
      if (bitmap && transport.protocol === "sctp") return undefined;
      return { kind: "port", protocol: number, port: side === "src" ? transport.srcPort : transport.dstPort };
    case "icmp":
    case "icmpv6": {
      if (bitmap) return undefined;
      const [type, code] = icmpTypeOf(transport);
      return { kind: "port", protocol: number, port: type * 256 + code };
    }
    case "other":
      return bitmap ? undefined : { kind: "port", protocol: transport.number, port: 0 };
  }
}

/** `address` under the prefix of a block. */
export function blockKey(address: Address, prefixLength: number): number | bigint {
  const base = maskAddress(address, prefixLength);
  return typeof base === "number" ? base * 64 + prefixLength : base * 256n + BigInt(prefixLength);
}
