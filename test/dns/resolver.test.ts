import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { CoreDns } from "../../src/dns/coredns/server.ts";
import { type UpstreamData, upstreamFrom } from "../../src/dns/coredns/upstream.ts";
import type { Flavour } from "../../src/dns/resolver/api.ts";
import { parseResolvConf } from "../../src/dns/resolver/conf.ts";
import { dig } from "../../src/dns/resolver/dig.ts";
import { resolve } from "../../src/dns/resolver/resolve.ts";
import { type Family, formatAddress } from "../../src/wire/address.ts";
import type { DnsQuestion } from "../../src/wire/dns.ts";
import { clusterOf } from "./cluster.ts";
import { type Fault, FakeNetwork } from "./fake-network.ts";

/* Expectations: what real stub resolvers sent, test/referee/dns/resolver-measured.jsonl. */

interface Measured {
  readonly run: string;
  readonly cmd: string;
  readonly sec: number;
  readonly out: string;
  /** `milliseconds protocol source-port type name edns flags` */
  readonly queries: readonly string[];
}

interface Query {
  readonly atMillis: number;
  readonly transport: string;
  readonly port: number;
  readonly type: string;
  readonly name: string;
  readonly edns: string;
  readonly ad: boolean;
}

/** Which program, as a resolver of ours. */
type Tool =
  | { readonly kind: "resolve"; readonly flavour: Flavour; readonly families: readonly Family[]; readonly name: string }
  | { readonly kind: "dig"; readonly question: DnsQuestion; readonly search: boolean };

const folder = join(import.meta.dirname, "../referee/dns");
const golden = JSON.parse(readFileSync(join(folder, "shop-coredns.json"), "utf8")) as Record<
  string,
  { corefile: string }
> & {
  readonly upstream: UpstreamData;
};
const shop = clusterOf(readFileSync(join(folder, "shop.yaml"), "utf8"), "shop.yaml");
// The recorded runs say: no Service captured example.com.svc, and example.com had an IPv6 address too.
const cluster = { ...shop, services: shop.services.filter(({ metadata }) => metadata.namespace !== "com") };
const upstream = upstreamFrom({
  ...golden.upstream,
  "example.com": { A: ["93.184.216.34"], AAAA: ["2606:2800:220:1::1"] },
});
const corefile = (golden["kubeadm-2025 (cache off for cluster.local)"] as { corefile: string }).corefile;
const measured = readFileSync(join(folder, "resolver-measured.jsonl"), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as Measured);

const both: readonly Family[] = ["ipv4", "ipv6"];

function toolOf({ run, cmd }: Measured): Tool | undefined {
  const words = cmd.split(" ");
  const last = words.at(-1) as string;
  const host = last.replace(/^http:\/\/(.*)\/$/, "$1");
  const of = (flavour: Flavour, families = both, name = host): Tool => ({ kind: "resolve", flavour, families, name });
  if (words[0] === "curl") return of("glibc", words[1] === "-4" ? ["ipv4"] : both);
  if (words[0] === "./gai-glibc") return of("glibc");
  if (words[0] === "./gai-musl") return of("musl-1.2.3");
  if (words[0] === "./gor") return of("go");
  if (run === "getent ahostsv4") return of("glibc", ["ipv4"]);
  if (run === "python" || run === "node dns.lookup") return of("glibc", both, "web.shop");
  if (words[0] === "dig") {
    const type = words.includes("SRV") ? "SRV" : "A";
    return { kind: "dig", question: { name: last, type }, search: words.includes("+search") };
  }
  return undefined;
}

/** The fault of a run, as its label says. */
function faultOf(run: string, expected: readonly Query[]): ConstructorParameters<typeof FakeNetwork>[2] {
  const name = /fault=([a-z0-9-]+)/.exec(run)?.[1] ?? (run.includes("timeout:1") ? "drop" : "");
  const byName: Readonly<
    Record<string, (question: DnsQuestion, server: string, transport: string) => Fault | undefined>
  > = {
    drop: () => "drop",
    dropaaaa: ({ type }) => (type === "AAAA" ? "drop" : undefined),
    servfail: () => ({ rcode: "SERVFAIL" }),
    refused: () => ({ rcode: "REFUSED" }),
    "servfail-search": ({ name }) => (name.endsWith(".svc.cluster.local.") ? { rcode: "SERVFAIL" } : undefined),
    "nodata-search": ({ name }) => (name.endsWith(".default.svc.cluster.local.") ? "nodata" : undefined),
    trunc: (_, __, transport) => (transport === "udp" ? "truncate" : undefined),
  };
  if (name === "drop2nd") {
    let dropped = false;
    return ({ name, type }) => {
      // The order of Go's two queries is free: what was lost is the one that was second then.
      const isLost = !dropped && name === expected[1]?.name && type === expected[1]?.type;
      dropped ||= isLost;
      return isLost ? "drop" : undefined;
    };
  }
  if (run.startsWith("2ns")) return (_, server) => (server === "10.96.0.11" ? "drop" : undefined);
  return byName[name];
}

function confOf(run: string): string {
  const options = /opt=(.*)/.exec(run.split(/ (?:glibc|musl|go|fault=)/)[0] as string)?.[1];
  const servers = run.startsWith("2ns") ? ["10.96.0.11", "10.96.0.10"] : ["10.96.0.10"];
  return [
    "search default.svc.cluster.local svc.cluster.local cluster.local",
    ...servers.map((server) => `nameserver ${server}`),
    `options ndots:5 ${options ?? ""}${run.includes("rotate") ? " rotate" : ""}`,
  ].join("\n");
}

function parseQuery(line: string): Query {
  const [at, transport, port, type, name, edns, ...flags] = line.split(" ");
  return {
    atMillis: Number(at),
    transport: transport as string,
    port: Number(port),
    type: type as string,
    name: name as string,
    edns: edns as string,
    ad: flags.includes("ad"),
  };
}

/**
 * Sequence with source ports as numbers in the order of first use and the time since the query before. Where the
 * order is free (two goroutines, two servers that log for themselves), queries close together are sorted.
 */
function comparable(queries: readonly Query[], orderIsFree: boolean, compareEdns: boolean): unknown[] {
  const groups: Query[][] = [];
  for (const query of queries) {
    const group = groups.at(-1);
    const last = group?.at(-1);
    const together = last !== undefined && last.name === query.name && query.atMillis - last.atMillis < 50;
    if (orderIsFree && together) group?.push(query);
    else groups.push([query]);
  }
  const key = (query: Query): string => `${query.transport === "udp" ? 0 : 1} ${query.type}`;
  const sorted = groups.flatMap((group) => group.sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0)));
  const ports: number[] = [];
  return sorted.map((query) => {
    if (!ports.includes(query.port)) ports.push(query.port);
    const { transport, type, name, edns, ad } = query;
    const port = ports.indexOf(query.port);
    return compareEdns ? { transport, port, type, name, edns, ad } : { transport, port, type, name };
  });
}

function gaps(queries: readonly Query[]): number[] {
  return queries.slice(1).map((query, index) => query.atMillis - (queries[index] as Query).atMillis);
}

function outcomeOf(out: string): string[] | undefined {
  const text = out.replace(/;; .*/, "");
  if (/ERR -2|no such host/.test(text)) return ["EAI_NONAME"];
  if (/ERR -3|i\/o timeout|misbehaving/.test(text)) return ["EAI_AGAIN"];
  const addresses = text.match(/\d+\.\d+\.\d+\.\d+|[0-9a-f]+:[0-9a-f:]+/g);
  return addresses === null ? undefined : [...new Set(addresses)].sort();
}

const modelled = measured.flatMap((run) => {
  const tool = toolOf(run);
  return tool === undefined ? [] : [{ ...run, tool }];
});

test("the tools that are not modelled are these", () => {
  const others = measured.filter((run) => toolOf(run) === undefined).map(({ run }) => run);
  expect([...new Set(others)]).toEqual([
    "busybox nslookup",
    "kdig",
    "host",
    "bind nslookup",
    "getent hosts",
    "node dns.resolve4 (c-ares)",
  ]);
  console.info(`${modelled.length} of ${measured.length} recorded runs are of modelled tools`);
});

describe("stub resolvers ask as the real ones do", () => {
  test.each(modelled)("$run: $cmd", ({ run, out, sec, queries, tool }) => {
    const expected = queries.map(parseQuery);
    const server = new CoreDns({ corefile, cluster });
    const network = new FakeNetwork(server, upstream, faultOf(run, expected));
    const conf = parseResolvConf(confOf(run));
    let result: string[] | undefined;
    let endedAtMillis = 0;
    if (tool.kind === "resolve") {
      resolve(tool.name, { conf, ...tool }, network.io, (resolved) => {
        result = resolved.kind === "failed" ? [resolved.error] : resolved.addresses.map(formatAddress).sort();
        endedAtMillis = network.clock.nowNanos() / 1e6;
      });
    } else
      dig(
        tool.question,
        { conf, search: tool.search },
        network.io,
        () => (endedAtMillis = network.clock.nowNanos() / 1e6),
      );
    network.clock.run();

    const seen = network.seen.map(({ question, udpSize, authenticData, ...rest }) => ({
      ...rest,
      ...question,
      edns: String(udpSize),
      ad: authenticData,
    }));
    const isGo = tool.kind === "resolve" && tool.flavour === "go";
    const orderIsFree = isGo || run === "2ns first dead musl";
    // Most recorded Go runs had EDNS switched off (GODEBUG netedns0=0).
    expect(comparable(seen, orderIsFree, !isGo)).toEqual(comparable(expected, orderIsFree, !isGo));
    for (const [index, gap] of gaps(seen).entries()) {
      expect(Math.abs(gap - (gaps(expected)[index] as number)), `gap before query ${index + 2}`).toBeLessThanOrEqual(
        50,
      );
    }
    if (tool.kind === "resolve" && run !== "curl(glibc)" && run !== "curl -4") expect(result).toEqual(outcomeOf(out));
    // The start of the program is in `sec`, up to a second.
    if (run.includes("fault") || run.includes("2ns")) expect(Math.abs(endedAtMillis - sec * 1000)).toBeLessThan(100);
  });
});

test("each step says why", () => {
  const network = new FakeNetwork(new CoreDns({ corefile, cluster }), upstream);
  const conf = parseResolvConf(confOf(""));
  resolve("web.shop", { conf, flavour: "glibc", families: both }, network.io, () => {});
  network.clock.run();
  const told = network.steps.flatMap((step) =>
    step.kind === "resolver" ? [`${step.action}: ${step.reason ?? step.name}`] : [],
  );
  expect(told).toEqual([
    "start: 1 dot < ndots:5, so the search domains come first",
    "query: web.shop.default.svc.cluster.local.",
    "answer: web.shop.default.svc.cluster.local.",
    "next-name: web.shop.default.svc.cluster.local. does not exist (NXDOMAIN); the search domain svc.cluster.local is next",
    "query: web.shop.svc.cluster.local.",
    "done: web.shop.svc.cluster.local.",
  ]);
});
