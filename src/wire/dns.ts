import type { Address } from "./address.ts";

/** A DNS message as records (RFC 1035). Names are absolute, with the trailing dot, in the case they were sent in. */
export interface DnsMessage {
  readonly id: number;
  readonly response: boolean;
  readonly authoritative: boolean;
  readonly truncated: boolean;
  readonly recursionDesired: boolean;
  readonly recursionAvailable: boolean;
  readonly authenticData: boolean;
  readonly rcode: Rcode;
  readonly question: DnsQuestion;
  readonly answer: readonly DnsRecord[];
  readonly authority: readonly DnsRecord[];
  readonly additional: readonly DnsRecord[];
  /** Size offered by the OPT record (RFC 6891), bytes; absent without EDNS. */
  readonly udpSize?: number;
  /** Bytes of the options in the OPT record (dig's cookie: 12); only their length is kept. */
  readonly ednsOptionBytes?: number;
}

export type Rcode = "NOERROR" | "FORMERR" | "SERVFAIL" | "NXDOMAIN" | "NOTIMP" | "REFUSED";

export interface DnsQuestion {
  readonly name: string;
  /** RR type in capitals: A, AAAA, SRV, PTR, ... or TYPE65 style for those without a name here. */
  readonly type: string;
}

interface RecordBase {
  readonly name: string;
  readonly ttlSeconds: number;
}

export type DnsRecord =
  | (RecordBase & { readonly type: "A" | "AAAA"; readonly address: Address })
  | (RecordBase & { readonly type: "CNAME" | "PTR" | "NS"; readonly target: string })
  | (RecordBase & {
      readonly type: "SRV";
      readonly priority: number;
      readonly weight: number;
      readonly port: number;
      readonly target: string;
    })
  | (RecordBase & { readonly type: "TXT"; readonly texts: readonly string[] })
  | (RecordBase & { readonly type: "MX"; readonly preference: number; readonly target: string })
  | (RecordBase & {
      readonly type: "SOA";
      readonly mname: string;
      readonly rname: string;
      readonly serial: number;
      readonly refreshSeconds: number;
      readonly retrySeconds: number;
      readonly expireSeconds: number;
      readonly minimumSeconds: number;
    });
