import type { DnsMessage, DnsQuestion, Rcode } from "../wire/dns.ts";
import { dnsMessageBytes } from "../wire/dns-size.ts";
import type { Payload } from "../wire/packet.ts";

export interface QueryOptions {
  readonly id?: number;
  /** Offers EDNS with this UDP size, bytes. */
  readonly udpSize?: number;
  readonly ednsOptionBytes?: number;
  readonly authenticData?: boolean;
}

/** A recursive query as stub resolvers send it. */
export function query(question: DnsQuestion, options: QueryOptions = {}): DnsMessage {
  const { id = 0, authenticData = false, ...edns } = options;
  return {
    id,
    response: false,
    authoritative: false,
    truncated: false,
    recursionDesired: true,
    recursionAvailable: false,
    authenticData,
    rcode: "NOERROR",
    question,
    answer: [],
    authority: [],
    additional: [],
    ...edns,
  };
}

/** An empty reply to a query: what miekg/dns' SetRcode makes. Without EDNS: the server adds that at the end. */
export function replyTo(request: DnsMessage, rcode: Rcode = "NOERROR"): DnsMessage {
  const { id, recursionDesired, question } = request;
  return { ...query(question), id, recursionDesired, response: true, rcode };
}

/** The message as the payload of a datagram. */
export function datagram(message: DnsMessage, bytes: number = dnsMessageBytes(message, false)): Payload {
  return { kind: "dns", length: bytes, message };
}

/** The message as the payload of a TCP segment: two length bytes come first (RFC 1035, section 4.2.2). */
export function segment(message: DnsMessage, bytes: number = dnsMessageBytes(message, false)): Payload {
  return { kind: "dns", length: bytes + 2, message };
}
