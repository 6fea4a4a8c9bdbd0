import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { UpstreamQuery } from "../../src/dns/coredns/plugin.ts";
import { CoreDns } from "../../src/dns/coredns/server.ts";
import { type UpstreamData, upstreamFrom } from "../../src/dns/coredns/upstream.ts";
import { nanosPerSecond } from "../../src/kernel/clock.ts";
import { parseAddress } from "../../src/wire/address.ts";
import type { DnsRecord } from "../../src/wire/dns.ts";
import { formatRecord } from "../../src/wire/dns-text.ts";
import { clusterOf } from "./cluster.ts";

/* Expectations: what a running CoreDNS 1.14.7 answered on shop.yaml, test/referee/dns/shop-coredns.json. */

interface Recorded {
  readonly qname: string;
  readonly qtype: string;
  readonly rcode: string;
  readonly aa: boolean;
  readonly ra: boolean;
  readonly answer: readonly string[];
  readonly ns?: readonly string[];
  readonly extra?: readonly string[];
  readonly bytes: number;
  readonly upstreamAsked?: readonly string[];
}

const folder = join(import.meta.dirname, "../referee/dns");
const golden = JSON.parse(readFileSync(join(folder, "shop-coredns.json"), "utf8")) as Record<
  string,
  { readonly corefile: string; readonly cases: readonly Recorded[] }
> & { readonly upstream: UpstreamData; readonly cacheTtlSequence: readonly string[] };
const cluster = clusterOf(readFileSync(join(folder, "shop.yaml"), "utf8"), "shop.yaml");

function start(corefile: string): CoreDns {
  // Its own address, as the Endpoints of kube-dns say.
  return new CoreDns({ corefile, cluster, localAddresses: [parseAddress("10.244.0.10")].flatMap((a) => a ?? []) });
}

/** Records as text, sorted: the order of addresses is left to chance. The SOA's serial is a Unix time. */
function texts(records: readonly DnsRecord[]): string[] {
  return comparable(records.map(formatRecord));
}

function comparable(lines: readonly string[]): string[] {
  return lines.map((line) => line.replace(/( SOA \S+ \S+ )\d+ /, "$1SERIAL ")).sort();
}

const runs = ["kubeadm-2025 (cache off for cluster.local)", "kubeadm-classic (cache 30)", "pods verified"];

describe.each(runs)("CoreDNS with %s", (run) => {
  const { corefile, cases } = golden[run] as (typeof golden)[string];
  const upstream = upstreamFrom(golden.upstream);
  const server = start(corefile);
  // One process answers all in this order, so its cache carries over.
  test.each(cases)("answers $qname $qtype as the real one does", (recorded) => {
    const asked: UpstreamQuery[] = [];
    const answered = server.answer({ name: recorded.qname, type: recorded.qtype }, undefined, 0, {
      upstream: (query) => {
        asked.push(query);
        return upstream(query);
      },
    });
    if (answered.kind === "unknown") throw new Error(answered.reason);
    const { message, bytes } = answered;
    expect({
      rcode: message.rcode,
      aa: message.authoritative,
      ra: message.recursionAvailable,
      answer: texts(message.answer),
      ns: texts(message.authority),
      extra: texts(message.additional),
      bytes,
      upstreamAsked: asked.map(({ query: { question } }) => `${question.name} ${question.type}`),
    }).toEqual({
      rcode: recorded.rcode,
      aa: recorded.aa,
      ra: recorded.ra,
      answer: comparable(recorded.answer),
      ns: comparable(recorded.ns ?? []),
      extra: comparable(recorded.extra ?? []),
      bytes: recorded.bytes,
      upstreamAsked: recorded.upstreamAsked ?? [],
    });
  });
});

test("a cached record's TTL counts down", () => {
  const server = start((golden["kubeadm-classic (cache 30)"] as (typeof golden)[string]).corefile);
  const seen = [0, 1.1, 3, 4].map((seconds) => {
    const answered = server.answer(
      { name: "web.shop.svc.cluster.local.", type: "A" },
      undefined,
      seconds * nanosPerSecond,
    );
    return answered.kind === "reply" ? answered.message.answer.map(formatRecord).join() : answered.reason;
  });
  expect(seen).toEqual(golden.cacheTtlSequence);
});
