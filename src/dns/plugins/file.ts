import type { DnsRecord } from "../../wire/dns.ts";
import type { Directive } from "../coredns/corefile.ts";
import type { DnsPlugin, DnsRequest, Handler, PluginContext, Served, Serving } from "../coredns/plugin.ts";
import { query, replyTo } from "../message.ts";
import { isInZone, longestZone } from "../names.ts";
import { type ZoneFile, parseZoneFile } from "../zone-file.ts";
import { type Fallthrough, argumentCount, fallsThrough, readFallthrough, zonesOf } from "./arguments.ts";

const chainLimit = 8;

/**
 * `file DBFILE [ZONES...] { fallthrough }`: a zone from a zone file, with wildcards and CNAMEs. Delegations, records of
 * types that are not known here, DNSSEC and transfers give unknown. CoreDNS plugin/file.
 */
export const file: DnsPlugin = {
  name: "file",
  setup(directives, context) {
    const handlers = directives.flatMap((directive) => fileHandler(directive, context) ?? []);
    return (request, next) =>
      handlers.reduceRight<typeof next>((after, handler) => (asked) => handler(asked, after), next)(request);
  },
};

function fileHandler(directive: Directive, context: PluginContext): Handler | undefined {
  const [path, ...zoneArgs] = directive.args;
  if (path === undefined) {
    argumentCount(directive.name, directive.args, 1, Number.POSITIVE_INFINITY, context);
    return undefined;
  }
  const zones = zonesOf(zoneArgs, context);
  let fallthrough: Fallthrough;
  for (const { name, args } of directive.block ?? []) {
    if (name.text === "fallthrough") fallthrough = readFallthrough(args);
    else if (name.text !== "reload" && name.text !== "upstream") {
      context.problem("COREFILE_UNKNOWN_PROPERTY", name, `file has no property '${name.text}'`);
    }
  }
  const text = context.file(path.text);
  const parsed = new Map<string, ZoneFile>();
  return function* (request, next) {
    const { name, type } = request.query.question;
    const zone = longestZone(name, zones);
    if (zone === undefined) return yield* next(request);
    if (text === undefined) return { kind: "unknown", reason: `the zone file ${path.text} is not given` };
    if (type === "AXFR" || type === "IXFR") return { kind: "failed", rcode: "REFUSED" };
    const { records, unknown } = parsed.get(zone) ?? parseZoneFile(text, zone);
    parsed.set(zone, { records, unknown });
    const [first] = unknown;
    if (first !== undefined) {
      return { kind: "unknown", reason: `line ${first.line} of ${path.text} is not modelled: ${first.text}` };
    }
    const served = yield* new ZoneLookup(zone, records, request, context).answer();
    const denied = served.kind === "reply" && served.message.rcode === "NXDOMAIN";
    return denied && fallsThrough(fallthrough, name) ? yield* next(request) : served;
  };
}

/** One question in one zone. plugin/file/lookup.go */
class ZoneLookup {
  readonly #zone: string;
  readonly #records: readonly DnsRecord[];
  readonly #request: DnsRequest;
  readonly #context: PluginContext;

  constructor(zone: string, records: readonly DnsRecord[], request: DnsRequest, context: PluginContext) {
    this.#zone = zone;
    this.#records = records;
    this.#request = request;
    this.#context = context;
  }

  *answer(): Serving {
    const { name, type } = this.#request.query.question;
    const apex = this.#at(this.#zone);
    const soa = apex.filter((record) => record.type === "SOA");
    const nameServers = apex.filter((record) => record.type === "NS");
    const delegation = this.#records.find(
      (record) => record.type === "NS" && !isSame(record.name, this.#zone) && isInZone(name, record.name),
    );
    if (delegation !== undefined)
      return { kind: "unknown", reason: `the delegation of ${delegation.name} is not modelled` };

    const answer: DnsRecord[] = [];
    let current = name;
    for (let hops = 0; hops < chainLimit; hops++) {
      const found = this.#find(current);
      if (found === undefined) {
        if (answer.length > 0) break;
        return this.#reply({ rcode: "NXDOMAIN", authority: soa });
      }
      const exact = found.filter((record) => record.type === type);
      const alias = found.find((record) => record.type === "CNAME");
      if (exact.length > 0 || alias === undefined) {
        answer.push(...exact);
        break;
      }
      answer.push(alias);
      if (!("target" in alias)) break;
      current = alias.target;
      if (isInZone(current, this.#zone)) continue;
      const served = yield* this.#context.lookup(this.#request, query({ name: current, type }));
      if (served.kind === "unknown") return served;
      if (served.kind === "reply") answer.push(...served.message.answer);
      break;
    }
    if (answer.length === 0) return this.#reply({ authority: soa });
    const authority = type === "NS" && isSame(name, this.#zone) ? [] : nameServers;
    return this.#reply({ answer, authority, additional: this.#additional(answer) });
  }

  /** Records at a name, or those of the wildcard that covers it; undefined when there is nothing, nor below it. */
  #find(name: string): readonly DnsRecord[] | undefined {
    const exact = this.#at(name);
    if (exact.length > 0) return exact;
    if (this.#records.some((record) => isInZone(record.name, name))) return [];
    for (let parent = parentOf(name); isInZone(parent, this.#zone); parent = parentOf(parent)) {
      const wild = this.#at(`*.${parent}`);
      if (wild.length > 0) return wild.map((record) => ({ ...record, name }));
      // A name that exists ends the search for wildcards above it (RFC 4592, section 3.3.1).
      if (this.#records.some((record) => isInZone(record.name, parent)) || parent === ".") break;
    }
    return undefined;
  }

  #at(name: string): readonly DnsRecord[] {
    return this.#records.filter((record) => isSame(record.name, name));
  }

  /** Addresses of what SRV and MX records lead to, as far as the zone has them. */
  #additional(answer: readonly DnsRecord[]): readonly DnsRecord[] {
    return answer
      .flatMap((record) => (record.type === "SRV" || record.type === "MX" ? this.#at(record.target) : []))
      .filter((record) => record.type === "A" || record.type === "AAAA");
  }

  #reply(fields: Partial<ReturnType<typeof replyTo>>): Served {
    return { kind: "reply", message: { ...replyTo(this.#request.query), authoritative: true, ...fields } };
  }
}

function isSame(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

function parentOf(name: string): string {
  return name.slice(name.indexOf(".") + 1) || ".";
}
