import type { DnsMessage, DnsRecord } from "../../wire/dns.ts";
import { parseAddress } from "../../wire/address.ts";
import { replyTo } from "../message.ts";
import { absolute } from "../names.ts";
import type { Upstream } from "./server.ts";

/**
 * The zone behind `forward` as data: per name the values of each type; `$ttl` is the TTL of all records.
 * `{"$ttl": 60, "www.example.com": {"A": ["93.184.216.34"]}, "alias.example.com": {"CNAME": ["www.example.com"]}}`
 */
export type UpstreamData = Readonly<Record<string, number | Readonly<Record<string, readonly string[]>>>>;

const defaultTtlSeconds = 60;

/**
 * An upstream that answers from data: what it holds, as it is (a CNAME is not followed), and NXDOMAIN for all
 * other names. Its negative answers carry the SOA that the upstream of the recorded cases sends.
 */
export function upstreamFrom(data: UpstreamData): Upstream {
  const ttlSeconds = typeof data["$ttl"] === "number" ? data["$ttl"] : defaultTtlSeconds;
  const names = new Map<string, readonly DnsRecord[]>();
  for (const [name, types] of Object.entries(data)) {
    if (typeof types === "number") continue;
    const records = Object.entries(types).flatMap(([type, values]) =>
      values.flatMap((value) => recordOf(absolute(name), ttlSeconds, type, value) ?? []),
    );
    names.set(absolute(name).toLowerCase(), records);
  }
  return ({ query }) => ({ kind: "reply", message: answerFrom(names.get(query.question.name.toLowerCase()), query) });
}

function answerFrom(records: readonly DnsRecord[] | undefined, query: DnsMessage): DnsMessage {
  const { name, type } = query.question;
  const reply = { ...replyTo(query, records === undefined ? "NXDOMAIN" : "NOERROR"), recursionAvailable: true };
  const exact = records?.filter((record) => record.type === type) ?? [];
  const answer = exact.length > 0 ? exact : (records?.filter((record) => record.type === "CNAME") ?? []);
  if (answer.length === 0) return { ...reply, authority: [startOfAuthority] };
  return { ...reply, answer: answer.map((record) => ({ ...record, name })) };
}

const startOfAuthority: DnsRecord = {
  name: "test.",
  ttlSeconds: 60,
  type: "SOA",
  mname: "ns.test.",
  rname: "h.test.",
  serial: 1,
  refreshSeconds: 1,
  retrySeconds: 1,
  expireSeconds: 1,
  minimumSeconds: 60,
};

/** A value as in a zone file's last fields; undefined for types not known here. */
function recordOf(name: string, ttlSeconds: number, type: string, value: string): DnsRecord | undefined {
  switch (type) {
    case "A":
    case "AAAA": {
      const address = parseAddress(value);
      return address === undefined ? undefined : { name, ttlSeconds, type, address };
    }
    case "CNAME":
    case "PTR":
    case "NS":
      return { name, ttlSeconds, type, target: absolute(value) };
    case "TXT":
      return { name, ttlSeconds, type, texts: [value] };
    default:
      return undefined;
  }
}
