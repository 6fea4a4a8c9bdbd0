import { type Address, type IPv6, ipv4 } from "../../wire/address.ts";
import { type Packet, protocolNumber } from "../../wire/packet.ts";
import type { Direction, Tuple } from "./entry.ts";
import { type More, type Page, rowShift, tupleWords } from "./rows.ts";
import { makeTuple, tupleOf } from "./tuple.ts";

const numbers = { tcp: 6, udp: 17, sctp: 132, icmp: 1, icmpv6: 58 } as const;
const names: ReadonlyMap<number, Tuple["protocol"]> = new Map(
  Object.entries(numbers).map(([name, number]) => [number, name as Tuple["protocol"]]),
);

/** In the word that says what a tuple is of: the protocol number, above it the ICMP type, the family, the zone. */
const typeShift = 8;
const isIPv6Bit = 1 << 16;
const zoneShift = 17;

/** So many of the lower bits of a hash are of the whole tuple, the others of the client's end alone. */
export const wholeBits = 14;
const wholeMask = (1 << wholeBits) - 1;

/**
 * A tuple as rows hold it, in four words: source, destination, ports, and what it is of. In IPv6 the words of the
 * addresses are hashes, and the addresses stand beside. One object serves many lookups.
 */
export class TupleKey {
  src = 0;
  dst = 0;
  ports = 0;
  kind = 0;
  src6: IPv6 | undefined = undefined;
  dst6: IPv6 | undefined = undefined;

  /** The tuple of a packet; false where `tupleOf` has none. */
  ofPacket(packet: Packet): boolean {
    const { transport } = packet;
    switch (transport.protocol) {
      case "udp":
      case "tcp":
      case "sctp":
        this.#setEnds(packet.src, packet.dst, transport.srcPort, transport.dstPort, protocolNumber(transport));
        return true;
      case "icmp":
      case "icmpv6":
      case "other": {
        const tuple = tupleOf(packet);
        if (tuple !== undefined) this.ofTuple(tuple);
        return tuple !== undefined;
      }
    }
  }

  ofTuple({ protocol, number = 0, src, dst, srcPort, dstPort, icmpType = 0 }: Tuple): this {
    const own = protocol === "other" ? number : numbers[protocol];
    this.#setEnds(src, dst, srcPort, dstPort, own | (icmpType << typeShift));
    return this;
  }

  ofRow(page: Page, row: number, direction: Direction): this {
    const { words } = page;
    const at = direction === "original" ? row : row + tupleWords;
    this.src = words[at] as number;
    this.dst = words[at + 1] as number;
    this.ports = words[at + 2] as number;
    this.kind = words[at + 3] as number;
    if ((this.kind & isIPv6Bit) !== 0) [this.src6, this.dst6] = addressesOf(page, row, direction);
    return this;
  }

  get srcAddress(): Address {
    return this.#isIPv6 ? (this.src6 as IPv6) : ipv4(this.src);
  }

  get dstAddress(): Address {
    return this.#isIPv6 ? (this.dst6 as IPv6) : ipv4(this.dst);
  }

  get srcPort(): number {
    return this.ports >>> 16;
  }

  get dstPort(): number {
    return this.ports & 0xffff;
  }

  get #isIPv6(): boolean {
    return (this.kind & isIPv6Bit) !== 0;
  }

  get zone(): number {
    return this.kind >>> zoneShift;
  }

  inZone(zone: number): this {
    this.kind = (this.kind & ((1 << zoneShift) - 1)) | (zone << zoneShift);
    return this;
  }

  /** Whether both ports are one identifier. */
  get isEcho(): boolean {
    const number = this.kind & 0xff;
    return number === numbers.icmp || number === numbers.icmpv6;
  }

  get hasPorts(): boolean {
    return names.has(this.kind & 0xff);
  }

  setAddress(end: "src" | "dst", address: Address): void {
    if (typeof address === "number") {
      this[end] = address | 0;
      return;
    }
    this[end === "src" ? "src6" : "dst6"] = address;
    this[end] = fold(address);
  }

  /** An echo has one identifier, so it changes at both ends. */
  setPort(end: "src" | "dst", port: number): void {
    if (this.isEcho) this.ports = (port << 16) | port;
    else if (end === "src") this.ports = (port << 16) | this.dstPort;
    else this.ports = (this.ports & ~0xffff) | port;
  }

  toTuple(): Tuple {
    const number = this.kind & 0xff;
    const protocol = names.get(number) ?? "other";
    return makeTuple(
      protocol,
      this.srcAddress,
      this.dstAddress,
      this.srcPort,
      this.dstPort,
      this.isEcho ? (this.kind >>> typeShift) & 0xff : undefined,
      protocol === "other" ? number : undefined,
    );
  }

  /** Turns it round: the tuple that answers have. */
  invert(): this {
    const { src, dst, ports, src6 } = this;
    this.src = dst;
    this.dst = src;
    this.ports = (ports << 16) | (ports >>> 16);
    this.kind = invertKind(this.kind);
    this.src6 = this.dst6;
    this.dst6 = src6;
    return this;
  }

  /**
   * Over addresses and ports; the protocol is left to the comparison. The upper bits are of the end with the higher
   * port alone, the client's as a rule: a connection's two tuples, which differ in the other end under NAT, lie side by
   * side in the table (slots.ts), and are looked up at the price of one.
   */
  get hash(): number {
    const { src, dst, ports } = this;
    const srcPort = ports >>> 16;
    const dstPort = ports & 0xffff;
    const isSrc = srcPort === dstPort ? src < dst : srcPort > dstPort;
    const client = mix((isSrc ? src : dst) ^ Math.imul(isSrc ? srcPort : dstPort, 0x9e3779b1));
    const whole = mix(src ^ Math.imul(dst, 0x85ebca6b) ^ ports);
    return (client & ~wholeMask) | (whole & wholeMask);
  }

  /** Whether the row has this tuple in that direction. */
  is(page: Page, row: number, direction: Direction): boolean {
    const { words } = page;
    const at = direction === "original" ? row : row + tupleWords;
    if (
      words[at] !== this.src ||
      words[at + 1] !== this.dst ||
      words[at + 2] !== this.ports ||
      words[at + 3] !== this.kind
    ) {
      return false;
    }
    if ((this.kind & isIPv6Bit) === 0) return true;
    const [src, dst] = addressesOf(page, row, direction);
    return src === this.src6 && dst === this.dst6;
  }

  #setEnds(src: Address, dst: Address, srcPort: number, dstPort: number, kind: number): void {
    this.ports = (srcPort << 16) | dstPort;
    if (typeof src === "number" && typeof dst === "number") {
      this.src = src | 0;
      this.dst = dst | 0;
      this.kind = kind;
      return;
    }
    this.src6 = src as IPv6;
    this.dst6 = dst as IPv6;
    this.src = fold(this.src6);
    this.dst = fold(this.dst6);
    this.kind = kind | isIPv6Bit;
  }
}

/** Only echoes have connections, whose two types differ in one bit: 8 and 0, 128 and 129. */
function invertKind(kind: number): number {
  switch (kind & 0xff) {
    case numbers.icmp:
      return kind ^ (8 << typeShift);
    case numbers.icmpv6:
      return kind ^ (1 << typeShift);
    default:
      return kind;
  }
}

function addressesOf(page: Page, row: number, direction: Direction): readonly [IPv6, IPv6] {
  const { addresses } = page.more[row >> rowShift] as More;
  const [src, dst, replySrc, replyDst] = addresses as NonNullable<More["addresses"]>;
  return direction === "original" ? [src, dst] : [replySrc, replyDst];
}

/** Puts both directions of a new connection into a row: the tuple, and its inverse for the replies in their zone. */
export function writeTuples(page: Page, row: number, key: TupleKey, replyZone: number): void {
  writeWords(page, row, key);
  const { src6, dst6 } = key;
  const isIPv6 = (key.kind & isIPv6Bit) !== 0 && src6 !== undefined && dst6 !== undefined;
  if (isIPv6) page.more[row >> rowShift] = { addresses: [src6, dst6, dst6, src6], tcp: undefined };
  const { zone } = key;
  writeWords(page, row + tupleWords, key.invert().inZone(replyZone));
  key.invert().inZone(zone);
}

/** Replaces the tuple of the replies. */
export function writeReply(page: Page, row: number, key: TupleKey): void {
  writeWords(page, row + tupleWords, key);
  const more = page.more[row >> rowShift];
  const { src6, dst6 } = key;
  if (more?.addresses === undefined || src6 === undefined || dst6 === undefined) return;
  const [src, dst] = more.addresses;
  page.more[row >> rowShift] = { ...more, addresses: [src, dst, src6, dst6] };
}

function writeWords({ words }: Page, at: number, { src, dst, ports, kind }: TupleKey): void {
  words[at] = src;
  words[at + 1] = dst;
  words[at + 2] = ports;
  words[at + 3] = kind;
}

/** One direction of a row as a tuple. */
export function readTuple(page: Page, row: number, direction: Direction): Tuple {
  return new TupleKey().ofRow(page, row, direction).toTuple();
}

export function readAddress(page: Page, row: number, direction: Direction, end: "src" | "dst"): Address {
  const { words } = page;
  const at = direction === "original" ? row : row + tupleWords;
  if (((words[at + 3] as number) & isIPv6Bit) !== 0) {
    const [src, dst] = addressesOf(page, row, direction);
    return end === "src" ? src : dst;
  }
  return ipv4(words[end === "src" ? at : at + 1] as number);
}

export function readZone({ words }: Page, row: number, direction: Direction): number {
  return (words[(direction === "original" ? row : row + tupleWords) + 3] as number) >>> zoneShift;
}

export function readPort({ words }: Page, row: number, direction: Direction, end: "src" | "dst"): number {
  const ports = words[(direction === "original" ? row : row + tupleWords) + 2] as number;
  return end === "src" ? ports >>> 16 : ports & 0xffff;
}

function fold(address: IPv6): number {
  return Number(BigInt.asIntN(32, address)) ^ Number(BigInt.asIntN(32, address >> 64n));
}

/** The finish of MurmurHash3: neighbouring addresses and ports must not lie side by side in the table. */
export function mix(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
