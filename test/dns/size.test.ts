import { expect, test } from "vitest";
import { query, replyTo } from "../../src/dns/message.ts";
import { ipv4 } from "../../src/wire/address.ts";
import type { DnsMessage, DnsRecord } from "../../src/wire/dns.ts";
import { truncate } from "../../src/wire/dns-size.ts";
import { formatRecord, parseRecord } from "../../src/wire/dns-text.ts";

/* Sizes by RFC 1035; the limits are those of the fact sheet: 43 + 41n bytes uncompressed, 43 + 16n compressed. */

const name = "db.shop.svc.cluster.local.";

function reply(addresses: number, udpSize?: number): DnsMessage {
  const asked = query({ name, type: "A" }, udpSize === undefined ? {} : { udpSize });
  const answer: DnsRecord[] = Array.from({ length: addresses }, (_, index) => {
    return { name, ttlSeconds: 30, type: "A", address: ipv4(0x0af40000 + index) };
  });
  return { ...replyTo(asked), answer, ...(udpSize !== undefined && { udpSize }) };
}

test.for([
  { addresses: 3, kept: 3, bytes: 166, truncated: false },
  { addresses: 11, kept: 11, bytes: 43 + 41 * 11, truncated: false },
  { addresses: 12, kept: 12, bytes: 43 + 16 * 12, truncated: false },
  { addresses: 29, kept: 29, bytes: 43 + 16 * 29, truncated: false },
  { addresses: 30, kept: 29, bytes: 43 + 16 * 29, truncated: true },
])("$addresses addresses to a client without EDNS: $kept are sent", ({ addresses, kept, bytes, truncated }) => {
  const sent = truncate(reply(addresses), 512);
  expect({ kept: sent.message.answer.length, bytes: sent.bytes, truncated: sent.message.truncated }).toEqual({
    kept,
    bytes,
    truncated,
  });
});

const records = [
  "web.shop.svc.cluster.local. 30 IN A 10.96.10.10",
  "dual.shop.svc.cluster.local. 30 IN AAAA fd00:10:96::c",
  "_http._tcp.web.shop.svc.cluster.local. 30 IN SRV 0 100 80 web.shop.svc.cluster.local.",
  "ext.shop.svc.cluster.local. 30 IN CNAME www.example.com.",
  "10.10.96.10.in-addr.arpa. 30 IN PTR web.shop.svc.cluster.local.",
  "cluster.local. 30 IN NS kube-dns.kube-system.svc.cluster.local.",
  'dns-version.cluster.local. 30 IN TXT "1.1.0"',
  "cluster.local. 30 IN MX 10 mail.cluster.local.",
  "cluster.local. 30 IN SOA ns.dns.cluster.local. hostmaster.cluster.local. 1 7200 1800 86400 30",
];

test.for(records)("%s is read and written again", (line) => {
  const record = parseRecord(line);
  expect(record && formatRecord(record)).toBe(line);
});

test.for([
  "",
  "web 30 IN A 10.0.0.1",
  "web. x IN A 10.0.0.1",
  "web. 30 CH A 10.0.0.1",
  "web. 30 IN A fd00::1",
  "web. 30 IN SRV 0 0",
])("'%s' is no record", (line) => expect(parseRecord(line)).toBeUndefined());
