import { type Answer, encodingLength } from "dns-packet";
import fc from "fast-check";
import { expect, test } from "vitest";
import { formatAddress, ipv4, ipv6 } from "../../src/wire/address.ts";
import { dnsMessageBytes } from "../../src/wire/dns-size.ts";
import type { DnsMessage, DnsRecord } from "../../src/wire/dns.ts";

/* The bytes of an uncompressed message are those that dns-packet, which never compresses, would write. */

const label = fc.stringMatching(/^[a-z0-9_]{1,12}$/);
const name = fc.array(label, { minLength: 1, maxLength: 6 }).map((labels) => `${labels.join(".")}.`);
const port = fc.nat(0xffff);
const record: fc.Arbitrary<DnsRecord> = fc.tuple(name, fc.nat(600)).chain(([owner, ttlSeconds]) => {
  const base = { name: owner, ttlSeconds };
  return fc.oneof(
    fc.nat(2 ** 32 - 1).map((value): DnsRecord => ({ ...base, type: "A", address: ipv4(value) })),
    fc.nat(2 ** 31).map((value): DnsRecord => ({ ...base, type: "AAAA", address: ipv6(BigInt(value)) })),
    fc
      .tuple(fc.constantFrom("CNAME" as const, "PTR" as const, "NS" as const), name)
      .map(([type, target]): DnsRecord => ({ ...base, type, target })),
    fc
      .tuple(port, name)
      .map(([number, target]): DnsRecord => ({ ...base, type: "SRV", priority: 0, weight: 100, port: number, target })),
    fc.tuple(port, name).map(([preference, target]): DnsRecord => ({ ...base, type: "MX", preference, target })),
    fc
      .array(fc.string({ maxLength: 40 }), { minLength: 1, maxLength: 3 })
      .map((texts): DnsRecord => ({ ...base, type: "TXT", texts })),
    fc.tuple(name, name).map(([mname, rname]): DnsRecord => ({
      ...base,
      type: "SOA",
      mname,
      rname,
      serial: 1,
      refreshSeconds: 7200,
      retrySeconds: 1800,
      expireSeconds: 86400,
      minimumSeconds: 30,
    })),
  );
});
const records = fc.array(record, { maxLength: 5 });
const message = fc
  .record({ name, answer: records, authority: records, additional: records })
  .map(({ name: asked, ...sections }): DnsMessage => ({
    id: 1,
    response: true,
    authoritative: true,
    truncated: false,
    recursionDesired: true,
    recursionAvailable: true,
    authenticData: false,
    rcode: "NOERROR",
    question: { name: asked, type: "A" },
    ...sections,
  }));

function answerOf(own: DnsRecord): Answer {
  const base = { name: own.name, ttl: own.ttlSeconds };
  switch (own.type) {
    case "A":
    case "AAAA":
      return { ...base, type: own.type, data: formatAddress(own.address) };
    case "CNAME":
    case "PTR":
    case "NS":
      return { ...base, type: own.type, data: own.target };
    case "SRV":
      return { ...base, type: "SRV", data: own };
    case "MX":
      return { ...base, type: "MX", data: { preference: own.preference, exchange: own.target } };
    case "TXT":
      return { ...base, type: "TXT", data: [...own.texts] };
    case "SOA":
      return { ...base, type: "SOA", data: { mname: own.mname, rname: own.rname } };
  }
}

test("a message has the bytes that dns-packet would write", () => {
  fc.assert(
    fc.property(message, (own) => {
      const bytes = encodingLength({
        type: "response",
        questions: [{ type: "A", name: own.question.name }],
        answers: own.answer.map(answerOf),
        authorities: own.authority.map(answerOf),
        additionals: own.additional.map(answerOf),
      });
      expect(dnsMessageBytes(own, false)).toBe(bytes);
    }),
  );
});
