import type { DnsMessage, DnsRecord } from "./dns.ts";

/** Bytes of the DNS header (RFC 1035, section 4.1.1). */
const headerBytes = 12;
/** A compression pointer reaches 14 bits far (RFC 1035, section 4.1.4). */
const maxPointerOffset = 1 << 14;
/** What every client takes (RFC 1035, section 4.2.1), and the least an OPT record can offer (RFC 6891, 6.2.5). */
export const minimumMessageBytes = 512;

/** Names already written, so that later ones can point at them; undefined where nothing is compressed. */
type Written = Set<string> | undefined;

/** Bytes of the message on the wire, without the two length bytes of TCP. */
export function dnsMessageBytes(message: DnsMessage, compressed: boolean): number {
  const written: Written = compressed ? new Set() : undefined;
  let bytes = questionEnd(message, written);
  for (const record of [...message.answer, ...message.authority, ...message.additional]) {
    bytes += recordBytes(record, bytes, written);
  }
  return bytes + optBytes(message);
}

/** Bytes of the OPT record: root name, type, class, TTL and length, and its options (RFC 6891). */
export function optBytes(message: DnsMessage): number {
  return message.udpSize === undefined ? 0 : 11 + (message.ednsOptionBytes ?? 0);
}

/**
 * The message as it goes out to a client that takes `maximumBytes`: untouched and uncompressed while it fits, else
 * compressed, and what still does not fit is dropped from the end and TC set. miekg/dns msg_truncate.go (Truncate),
 * which CoreDNS calls on every reply.
 */
export function truncate(
  message: DnsMessage,
  maximumBytes: number,
): { readonly message: DnsMessage; readonly bytes: number } {
  const limit = Math.max(maximumBytes, minimumMessageBytes);
  const whole = dnsMessageBytes(message, false);
  if (whole <= limit) return { message, bytes: whole };

  const written: Written = new Set();
  const budget: Budget = { left: limit - optBytes(message), used: questionEnd(message, written), full: false };
  const answer = fitting(message.answer, budget, written);
  const authority = fitting(message.authority, budget, written);
  const additional = fitting(message.additional, budget, written);
  const dropped =
    answer.length < message.answer.length ||
    authority.length < message.authority.length ||
    additional.length < message.additional.length;
  const cut = { ...message, answer, authority, additional, truncated: message.truncated || dropped };
  return { message: cut, bytes: dnsMessageBytes(cut, true) };
}

interface Budget {
  readonly left: number;
  used: number;
  full: boolean;
}

/** The records of one section, in order, up to the first that does not fit. Nothing follows that one in any section. */
function fitting(records: readonly DnsRecord[], budget: Budget, written: Written): readonly DnsRecord[] {
  for (const [index, record] of records.entries()) {
    if (budget.full) return records.slice(0, index);
    const end = budget.used + recordBytes(record, budget.used, written);
    budget.full = end >= budget.left;
    if (end > budget.left) return records.slice(0, index);
    budget.used = end;
  }
  return records;
}

function questionEnd(message: DnsMessage, written: Written): number {
  return headerBytes + nameBytes(message.question.name, headerBytes, written, true) + 4;
}

/** Bytes of one record that starts at `offset` of the message. */
function recordBytes(record: DnsRecord, offset: number, written: Written): number {
  const owner = nameBytes(record.name, offset, written, true) + 10;
  return owner + dataBytes(record, offset + owner, written);
}

function dataBytes(record: DnsRecord, offset: number, written: Written): number {
  switch (record.type) {
    case "A":
      return 4;
    case "AAAA":
      return 16;
    case "CNAME":
    case "PTR":
    case "NS":
      return nameBytes(record.target, offset, written, true);
    case "SRV":
      // RFC 2782: the target is not compressed.
      return 6 + nameBytes(record.target, offset + 6, written, false);
    case "MX":
      return 2 + nameBytes(record.target, offset + 2, written, true);
    case "TXT":
      return record.texts.reduce((sum, text) => sum + 1 + utf8Bytes(text), 0);
    case "SOA": {
      const mname = nameBytes(record.mname, offset, written, true);
      return mname + nameBytes(record.rname, offset + mname, written, true) + 20;
    }
  }
}

function nameBytes(name: string, offset: number, written: Written, mayPoint: boolean): number {
  if (name === "." || name === "") return 1;
  if (written !== undefined && (mayPoint || offset < maxPointerOffset)) {
    const pointAt = rememberSuffixes(name, offset, written);
    if (pointAt !== undefined && mayPoint) return pointAt + 2;
  }
  return name.length + 1;
}

/** Where in the name a suffix begins that was written before; the longer suffixes are remembered as written now. */
function rememberSuffixes(name: string, offset: number, written: Set<string>): number | undefined {
  for (let start = 0; start < name.length; start = name.indexOf(".", start) + 1) {
    const suffix = name.slice(start);
    if (written.has(suffix)) return start;
    if (offset + start < maxPointerOffset) written.add(suffix);
  }
  return undefined;
}

function utf8Bytes(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes;
}
