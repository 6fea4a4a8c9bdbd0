import { nanosPerSecond } from "../../kernel/clock.ts";
import type { DnsMessage, DnsRecord } from "../../wire/dns.ts";
import type { Directive, Token } from "../coredns/corefile.ts";
import type { DnsPlugin, DnsRequest, PluginContext } from "../coredns/plugin.ts";
import { replyTo } from "../message.ts";
import { longestZone } from "../names.ts";
import { argumentCount, normaliseZone, numberArgument, zonesOf } from "./arguments.ts";

interface CacheOptions {
  readonly zones: readonly string[];
  readonly success: Limits;
  readonly denial: Limits;
  failSeconds: number;
  unmodelled: string | undefined;
}

interface Limits {
  maxSeconds: number;
  minSeconds: number;
  /** Zones for which nothing is kept. */
  except: readonly string[];
}

interface Item {
  readonly message: DnsMessage;
  readonly storedAtNanos: number;
  readonly ttlSeconds: number;
}

/** What a reply is to the cache. CoreDNS plugin/pkg/response/typify.go */
type Kind = "success" | "denial" | "failure" | "other";

/**
 * `cache [TTL] [ZONES...] { ... }`: keeps replies by name, type and DNSSEC wishes, and caps the TTL of all that pass,
 * kept or not. Replies from the cache have AA set, forwarded ones too. Capacity and eviction are not modelled;
 * `serve_stale`, `prefetch` and `keepttl` give unknown. CoreDNS plugin/cache.
 */
export const cache: DnsPlugin = {
  name: "cache",
  setup([directive], context) {
    if (directive === undefined) return undefined;
    const options = readOptions(directive, context);
    const successes = new Map<string, Item>();
    const denials = new Map<string, Item>();

    return function* (request, next) {
      const { question } = request.query;
      if (longestZone(question.name, options.zones) === undefined) return yield* next(request);
      if (options.unmodelled !== undefined) {
        const reason = `the option ${options.unmodelled} of CoreDNS's cache plugin is not modelled`;
        return { kind: "unknown", reason };
      }
      const key = `${question.name.toLowerCase()} ${question.type}`;
      const kept = fresh(denials.get(key), request) ?? fresh(successes.get(key), request);
      if (kept !== undefined) {
        request.note({ plugin: "cache", text: `answers from its cache, ${kept.ttlSeconds} s are left` });
        return { kind: "reply", message: fromCache(request, kept) };
      }
      const served = yield* next(request);
      if (served.kind !== "reply") return served;
      const { message } = served;
      const kind = kindOf(message);
      const ttlSeconds = ttlFor(message, kind, options);
      const limits = kind === "success" ? options.success : options.denial;
      const keeps = kind !== "other" && !message.truncated && ttlSeconds > 0;
      if (keeps && longestZone(question.name, limits.except) === undefined) {
        const item = { message: withTtl(message, ttlSeconds), storedAtNanos: request.nowNanos, ttlSeconds };
        (kind === "success" ? successes : denials).set(key, item);
      }
      return { kind: "reply", message: withTtl(message, ttlSeconds) };
    };
  },
};

function fresh(item: Item | undefined, request: DnsRequest): Item | undefined {
  if (item === undefined) return undefined;
  const ttlSeconds = item.ttlSeconds - Math.floor((request.nowNanos - item.storedAtNanos) / nanosPerSecond);
  return ttlSeconds > 0 ? { ...item, ttlSeconds } : undefined;
}

/** item.go (toMsg): AA is set whatever it was, since some clients discard a reply without it. */
function fromCache(request: DnsRequest, { message, ttlSeconds }: Item): DnsMessage {
  const { rcode, recursionAvailable, answer, authority, additional } = withTtl(message, ttlSeconds);
  return { ...replyTo(request.query, rcode), authoritative: true, recursionAvailable, answer, authority, additional };
}

function withTtl(message: DnsMessage, ttlSeconds: number): DnsMessage {
  const capped = (records: readonly DnsRecord[]): readonly DnsRecord[] =>
    records.map((record) => ({ ...record, ttlSeconds }));
  return {
    ...message,
    answer: capped(message.answer),
    authority: capped(message.authority),
    additional: capped(message.additional),
  };
}

function kindOf({ rcode, question, answer, authority }: DnsMessage): Kind {
  if (question.type === "AXFR" || question.type === "IXFR") return "other";
  const hasSoa = authority.some((record) => record.type === "SOA");
  switch (rcode) {
    case "NOERROR":
      return answer.length === 0 && hasSoa ? "denial" : "success";
    case "NXDOMAIN":
      return hasSoa ? "denial" : "other";
    case "SERVFAIL":
    case "NOTIMP":
      return "failure";
    case "FORMERR":
    case "REFUSED":
      return "other";
  }
}

const defaultTtlSeconds = 5;
const maximumTtlSeconds = 3600;

function ttlFor(message: DnsMessage, kind: Kind, options: CacheOptions): number {
  if (kind === "failure") return options.failSeconds;
  const { minSeconds, maxSeconds } = kind === "denial" ? options.denial : options.success;
  return Math.min(maxSeconds, Math.max(minSeconds, smallestTtl(message, kind)));
}

/** CoreDNS plugin/pkg/dnsutil/ttl.go (MinimalTTL) */
function smallestTtl({ answer, authority, additional }: DnsMessage, kind: Kind): number {
  const records = [...answer, ...authority, ...additional];
  if (kind === "other" || records.length === 0) return defaultTtlSeconds;
  return records.reduce((least, { ttlSeconds }) => Math.min(least, ttlSeconds), maximumTtlSeconds);
}

function readOptions(directive: Directive, context: PluginContext): CacheOptions {
  const args = [...directive.args];
  const first = args[0];
  const ttl = first !== undefined && /^\d+$/.test(first.text) ? numberArgument(first, 1, 2 ** 31, context) : undefined;
  if (ttl !== undefined) args.shift();
  const options: CacheOptions = {
    zones: zonesOf(args, context),
    success: { maxSeconds: ttl ?? 3600, minSeconds: 5, except: [] },
    denial: { maxSeconds: ttl ?? 1800, minSeconds: 5, except: [] },
    failSeconds: 5,
    unmodelled: undefined,
  };
  for (const property of directive.block ?? []) readProperty(property, options, context);
  return options;
}

function readProperty({ name, args }: Directive, options: CacheOptions, context: PluginContext): void {
  switch (name.text) {
    case "success":
    case "denial": {
      // CAPACITY [TTL] [MINTTL]
      if (!argumentCount(name, args, 1, 3, context)) return;
      const [, ttl, minimum] = args.map((arg) => numberArgument(arg, 0, 2 ** 31, context));
      const limits = options[name.text];
      if (ttl !== undefined) limits.maxSeconds = ttl;
      if (minimum !== undefined) limits.minSeconds = minimum;
      break;
    }
    case "disable": {
      if (!argumentCount(name, args, 1, Number.POSITIVE_INFINITY, context)) return;
      const [what, ...zones] = args as [Token, ...Token[]];
      if (what.text !== "success" && what.text !== "denial") {
        context.problem("COREFILE_ARGUMENT", what, "disable takes success or denial, then zones");
        return;
      }
      options[what.text].except =
        zones.length === 0 ? options.zones : zones.flatMap((zone) => normaliseZone(zone.text));
      break;
    }
    case "servfail": {
      if (!argumentCount(name, args, 1, 1, context)) return;
      const seconds = /^(\d+)s?$/.exec(args[0]?.text ?? "")?.[1];
      if (seconds === undefined || Number(seconds) > 300) {
        context.problem("COREFILE_ARGUMENT", args[0] as Token, "servfail takes a duration up to 5m");
      } else options.failSeconds = Number(seconds);
      break;
    }
    case "prefetch":
    case "serve_stale":
    case "keepttl":
      options.unmodelled = name.text;
      break;
    default:
      context.problem("COREFILE_UNKNOWN_PROPERTY", name, `cache has no property '${name.text}'`);
  }
}
