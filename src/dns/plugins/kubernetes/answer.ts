import type { Address } from "../../../wire/address.ts";
import type { DnsRecord } from "../../../wire/dns.ts";
import type { DnsRequest, Serving, UpstreamQuery, UpstreamReply } from "../../coredns/plugin.ts";
import { query } from "../../message.ts";
import { absolute, addressOfReverse, isInZone } from "../../names.ts";
import type { KubernetesOptions } from "./options.ts";
import type { BackendRecord, Found, RecordFinder } from "./records.ts";

/** What a question comes to inside the plugin. */
export type Answer =
  | { readonly kind: "records"; readonly answer: readonly DnsRecord[]; readonly additional: readonly DnsRecord[] }
  | { readonly kind: "no-such-name" }
  | { readonly kind: "unknown"; readonly reason: string };

export type Answering = Generator<UpstreamQuery, Answer, UpstreamReply>;

/** The version of the specification that `dns-version.ZONE` tells. */
const specificationVersion = "1.1.0";
const chainLimit = 7;

/** Asks the server itself for a name outside of the zones. */
export type Lookup = (request: DnsRequest, message: DnsRequest["query"]) => Serving;

/**
 * Makes records of what the plugin found, type by type.
 * CoreDNS plugin/backend_lookup.go, plugin/kubernetes/handler.go and kubernetes.go (Services).
 */
export class Answerer {
  readonly #options: KubernetesOptions;
  readonly #finder: RecordFinder;
  readonly #localAddresses: readonly Address[];
  readonly #lookup: Lookup;

  constructor(options: KubernetesOptions, finder: RecordFinder, localAddresses: readonly Address[], lookup: Lookup) {
    this.#options = options;
    this.#finder = finder;
    this.#localAddresses = localAddresses;
    this.#lookup = lookup;
  }

  /** `zone` in the case of the question. */
  *answer(request: DnsRequest, zone: string): Answering {
    const { name, type } = request.query.question;
    switch (type) {
      case "A":
      case "AAAA":
        return yield* this.#addresses(request, name, type, zone, []);
      case "TXT":
        return this.#text(name, zone);
      case "CNAME":
        return this.#alias(name, zone);
      case "PTR":
        return this.#pointer(name, zone);
      case "SRV":
        return this.#service(name, zone);
      case "SOA":
        return name === zone ? records([this.soa(zone)]) : records([]);
      case "NS":
        if (name.toLowerCase() === zone) return this.#nameServers(name, zone);
    }
    // A made-up address lookup tells NODATA from NXDOMAIN.
    const found = this.#find(name, "A", zone);
    return found === "no-such-name" ? { kind: "no-such-name" } : records([]);
  }

  /** The SOA record of the zone, in negative answers too. plugin/backend_lookup.go (SOA) */
  soa(zone: string): DnsRecord {
    const { ttlSeconds } = this.#options;
    return {
      name: zone,
      ttlSeconds: Math.min(300, ttlSeconds),
      type: "SOA",
      mname: `ns.dns.${zone}`,
      rname: `hostmaster.${zone}`,
      // In reality the Unix time of the last change that was seen. Virtual time has no such origin.
      serial: 1,
      refreshSeconds: 7200,
      retrySeconds: 1800,
      expireSeconds: 86400,
      minimumSeconds: ttlSeconds,
    };
  }

  #find(name: string, type: string, zone: string): Found {
    if (name.toLowerCase() !== `ns.dns.${zone.toLowerCase()}`) return this.#finder.find(name, zone);
    const wanted = type === "A" ? "number" : type === "AAAA" ? "bigint" : "none";
    return this.#finder
      .nameServers(this.#localAddresses)
      .filter(({ host }) => typeof host === wanted)
      .map(({ host, port }) => ({ host, port, name: "ns.dns." }));
  }

  *#addresses(
    request: DnsRequest,
    name: string,
    type: "A" | "AAAA",
    zone: string,
    chain: readonly DnsRecord[],
  ): Answering {
    const found = this.#find(name, type, zone);
    if (found === "no-such-name") return { kind: "no-such-name" };
    const { ttlSeconds } = this.#options;
    const answer: DnsRecord[] = [];
    const seen = new Set<Address>();
    for (const { host } of found) {
      if (typeof host !== "string") {
        if (typeof host !== (type === "A" ? "number" : "bigint") || seen.has(host)) continue;
        seen.add(host);
        answer.push({ name, ttlSeconds, type, address: host });
        continue;
      }
      const target = absolute(host);
      const isLoop = isInZone(target, name) || chain.some((known) => "target" in known && known.target === target);
      if (isLoop || chain.length > chainLimit) continue;
      const alias: DnsRecord = { name, ttlSeconds, type: "CNAME", target };
      if (isInZone(target, zone)) {
        const next = yield* this.#addresses(request, target, type, zone, [...chain, alias]);
        if (next.kind === "unknown") return next;
        if (next.kind === "records" && next.answer.length > 0) answer.push(alias, ...next.answer);
        continue;
      }
      const served = yield* this.#lookup(request, query({ name: target, type }, { id: request.query.id }));
      if (served.kind === "unknown") return served;
      answer.push(alias, ...(served.kind === "reply" ? served.message.answer : []));
    }
    return records(answer);
  }

  #text(name: string, zone: string): Answer {
    if (name.toLowerCase() === `dns-version.${zone.toLowerCase()}`) {
      return records([{ name, ttlSeconds: 28800, type: "TXT", texts: [specificationVersion] }]);
    }
    const found = this.#finder.find(name, zone);
    return found === "no-such-name" || found.length === 0 ? { kind: "no-such-name" } : records([]);
  }

  #alias(name: string, zone: string): Answer {
    const found = this.#find(name, "CNAME", zone);
    if (found === "no-such-name") return { kind: "no-such-name" };
    const target = found[0]?.host;
    const { ttlSeconds } = this.#options;
    return records(typeof target === "string" ? [{ name, ttlSeconds, type: "CNAME", target: absolute(target) }] : []);
  }

  #pointer(name: string, zone: string): Answer {
    const address = addressOfReverse(name);
    if (address === undefined) {
      return this.#finder.find(name, zone) === "no-such-name" ? { kind: "no-such-name" } : records([]);
    }
    const targets = new Set(this.#finder.reverse(address));
    if (targets.size === 0) return { kind: "no-such-name" };
    const { ttlSeconds } = this.#options;
    return records([...targets].map((target) => ({ name, ttlSeconds, type: "PTR", target })));
  }

  #service(name: string, zone: string): Answer {
    const found = this.#find(name, "SRV", zone);
    if (found === "no-such-name") return { kind: "no-such-name" };
    const internal = found.filter(({ host }) => typeof host !== "string");
    const { ttlSeconds } = this.#options;
    // The weight counts records, not the targets that are left of them.
    const weight = Math.max(1, Math.floor(100 / internal.length));
    const answer = new Map<string, DnsRecord>();
    const additional = new Map<string, DnsRecord>();
    for (const record of internal) {
      const { port } = record;
      if (port === -1) continue;
      const target = `${record.name}${zone}`;
      const service: DnsRecord = { name, ttlSeconds, type: "SRV", priority: 0, weight, port, target };
      if (!answer.has(`${target} ${port}`)) answer.set(`${target} ${port}`, service);
      additional.set(`${target} ${record.host}`, this.#address(target, record));
    }
    return records([...answer.values()], [...additional.values()]);
  }

  #nameServers(name: string, zone: string): Answer {
    const { ttlSeconds } = this.#options;
    const servers = this.#finder.nameServers(this.#localAddresses);
    const targets = new Set(servers.map((server) => `${server.name}${zone}`));
    return records(
      [...targets].map((target) => ({ name, ttlSeconds, type: "NS", target })),
      servers.map((server) => this.#address(`${server.name}${zone}`, server)),
    );
  }

  #address(name: string, { host }: BackendRecord): DnsRecord {
    const type = typeof host === "bigint" ? "AAAA" : "A";
    return { name, ttlSeconds: this.#options.ttlSeconds, type, address: host as Address };
  }
}

function records(answer: readonly DnsRecord[], additional: readonly DnsRecord[] = []): Answer {
  return { kind: "records", answer, additional };
}
