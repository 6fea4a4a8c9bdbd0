import { type Answer, type Packet as DnsPacket, decode, encode } from "dns-packet";
import { formatAddress, parseAddress } from "../wire/address.ts";
import type { DnsMessage, DnsRecord, Rcode } from "../wire/dns.ts";

/* DNS messages as bytes on a real wire, and back. RFC 1035. */

const flagBits = { authoritative: 0x400, truncated: 0x200, desired: 0x100, available: 0x80, authentic: 0x20 } as const;
const rcodes: readonly Rcode[] = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"];

/** The message as it stands in a datagram. */
export function encodeDns(message: DnsMessage): Buffer {
  const { question, udpSize } = message;
  const flags =
    (message.authoritative ? flagBits.authoritative : 0) |
    (message.truncated ? flagBits.truncated : 0) |
    (message.recursionDesired ? flagBits.desired : 0) |
    (message.recursionAvailable ? flagBits.available : 0) |
    (message.authenticData ? flagBits.authentic : 0) |
    rcodes.indexOf(message.rcode);
  const opt = {
    type: "OPT",
    name: ".",
    udpPayloadSize: udpSize,
    extendedRcode: 0,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: optionsOf(message),
  };
  return encode({
    type: message.response ? "response" : "query",
    id: message.id,
    flags,
    questions: [{ name: bare(question.name), type: question.type as "A", class: "IN" }],
    answers: message.answer.map(encodeRecord),
    authorities: message.authority.map(encodeRecord),
    additionals: [
      ...message.additional.map(encodeRecord),
      ...(udpSize === undefined ? [] : [opt as unknown as Answer]),
    ],
  });
}

/** dig's cookie: only the length of options is known. */
function optionsOf({ ednsOptionBytes = 0 }: DnsMessage): object[] {
  return ednsOptionBytes < 4 ? [] : [{ code: 10, data: Buffer.alloc(ednsOptionBytes - 4, 1) }];
}

/** dns-packet writes names without the trailing dot. */
function bare(name: string): string {
  return name === "." ? "." : name.replace(/\.$/, "");
}

function absolute(name: string): string {
  return name.endsWith(".") ? name : `${name}.`;
}

function encodeRecord(record: DnsRecord): Answer {
  const { name, ttlSeconds, type } = record;
  return { name: bare(name), ttl: ttlSeconds, class: "IN", type, data: dataOf(record) } as unknown as Answer;
}

function dataOf(record: DnsRecord): unknown {
  switch (record.type) {
    case "A":
    case "AAAA":
      return formatAddress(record.address);
    case "CNAME":
    case "PTR":
    case "NS":
      return bare(record.target);
    case "SRV":
      return { ...record, target: bare(record.target) };
    case "TXT":
      return record.texts.map((text) => Buffer.from(text));
    case "MX":
      return { preference: record.preference, exchange: bare(record.target) };
    case "SOA":
      return {
        mname: bare(record.mname),
        rname: bare(record.rname),
        serial: record.serial,
        refresh: record.refreshSeconds,
        retry: record.retrySeconds,
        expire: record.expireSeconds,
        minimum: record.minimumSeconds,
      };
  }
}

/** Reads a message; undefined when it is none, or has no question. */
export function decodeDns(bytes: Buffer): DnsMessage | undefined {
  let packet: DnsPacket & { readonly rcode?: string };
  try {
    packet = decode(bytes);
  } catch {
    return undefined;
  }
  const { id = 0, flags = 0, type, questions = [], answers = [], authorities = [], additionals = [] } = packet;
  const [asked] = questions;
  if (asked === undefined) return undefined;
  const opt = additionals.find((record) => record.type === "OPT") as
    | { readonly udpPayloadSize: number; readonly options?: readonly { readonly data?: Buffer }[] }
    | undefined;
  const optionBytes = (opt?.options ?? []).reduce((sum, { data }) => sum + 4 + (data?.length ?? 0), 0);
  return {
    id,
    response: type === "response",
    authoritative: (flags & flagBits.authoritative) !== 0,
    truncated: (flags & flagBits.truncated) !== 0,
    recursionDesired: (flags & flagBits.desired) !== 0,
    recursionAvailable: (flags & flagBits.available) !== 0,
    authenticData: (flags & flagBits.authentic) !== 0,
    rcode: rcodes[flags & 0xf] ?? "SERVFAIL",
    question: { name: absolute(asked.name), type: asked.type },
    answer: answers.flatMap(decodeRecord),
    authority: authorities.flatMap(decodeRecord),
    additional: additionals.flatMap(decodeRecord),
    ...(opt && { udpSize: opt.udpPayloadSize }),
    ...(opt && optionBytes > 0 && { ednsOptionBytes: optionBytes }),
  };
}

function decodeRecord(answer: Answer): DnsRecord[] {
  if (!("data" in answer)) return [];
  const base = { name: absolute(answer.name), ttlSeconds: ("ttl" in answer ? answer.ttl : undefined) ?? 0 };
  switch (answer.type) {
    case "A":
    case "AAAA": {
      const address = parseAddress(answer.data);
      return address === undefined ? [] : [{ ...base, type: answer.type, address }];
    }
    case "CNAME":
    case "PTR":
    case "NS":
      return [{ ...base, type: answer.type, target: absolute(answer.data) }];
    case "SRV": {
      const { priority = 0, weight = 0, port, target } = answer.data;
      return [{ ...base, type: "SRV", priority, weight, port, target: absolute(target) }];
    }
    case "TXT":
      return [{ ...base, type: "TXT", texts: [answer.data].flat().map(String) }];
    case "MX": {
      const { preference = 0, exchange } = answer.data;
      return [{ ...base, type: "MX", preference, target: absolute(exchange) }];
    }
    case "SOA": {
      const { mname, rname, serial = 0, refresh = 0, retry = 0, expire = 0, minimum = 0 } = answer.data;
      const times = { refreshSeconds: refresh, retrySeconds: retry, expireSeconds: expire, minimumSeconds: minimum };
      return [{ ...base, type: "SOA", mname: absolute(mname), rname: absolute(rname), serial, ...times }];
    }
    default:
      return [];
  }
}
