import type { Chance } from "../../kernel/chance.ts";
import { parseAddress } from "../../wire/address.ts";
import type { Directive, Token } from "../coredns/corefile.ts";
import type { DnsPlugin, DnsRequest, Handler, PluginContext } from "../coredns/plugin.ts";
import { isInZone, longestZone } from "../names.ts";
import { argumentCount, normaliseZone, numberArgument } from "./arguments.ts";

type Policy = "random" | "round_robin" | "sequential";

interface ForwardOptions {
  readonly from: readonly string[];
  readonly to: readonly string[];
  except: readonly string[];
  policy: Policy;
  forceTcp: boolean;
  preferUdp: boolean;
  /** Questions that may wait at once; one more is refused. */
  maxConcurrent: number | undefined;
  /** Reply codes that hand the question on to the next plugin. */
  next: ReadonlySet<string>;
}

/** How often and how long upstreams are tried and kept: no answer depends on it here. */
const tuning: ReadonlySet<string> = new Set([
  "max_fails",
  "expire",
  "max_idle_conns",
  "max_age",
  "max_connect_attempts",
  "health_check",
  "read_timeout",
  "tls",
  "tls_servername",
  "failover",
  "failfast_all_unhealthy_upstreams",
]);
const maxUpstreams = 15;
/** Without `max_concurrent` a loop would fill the memory: here it ends as unknown. */
const loopLimit = 1000;

/**
 * `forward FROM TO... { ... }`: asks upstream servers, over the protocol of the client unless told otherwise.
 * TLS, HTTPS and QUIC upstreams give unknown; health checks are not modelled.
 * CoreDNS plugin/forward.
 */
export const forward: DnsPlugin = {
  name: "forward",
  setup(directives, context) {
    const handlers = directives.map((directive, index) => forwardHandler(directive, `forward${index}`, context));
    return (request, next) =>
      handlers.reduceRight<typeof next>((after, handler) => (asked) => handler(asked, after), next)(request);
  },
};

function forwardHandler(directive: Directive, key: string, context: PluginContext): Handler {
  const options = readOptions(directive, context);
  let turn = 0;
  let waiting = 0;
  return function* (request, next) {
    const { name } = request.query.question;
    const matches = options.from.some((zone) => isInZone(name, zone));
    if (!matches || longestZone(name, options.except) !== undefined) return yield* next(request);
    const encrypted = options.to.find((upstream) => /^(tls|https|https3|quic|grpc):\/\//.test(upstream));
    if (encrypted !== undefined) return { kind: "unknown", reason: `the upstream ${encrypted} is not modelled` };

    const upstreams = ordered(options, turn++, `${request.key}/${key}`, request, context.chance);
    const transport = options.forceTcp ? "tcp" : options.preferUdp ? "udp" : request.transport;
    request.note({ plugin: "forward", text: `asks ${upstreams[0]} for ${name} over ${transport.toUpperCase()}` });
    if (waiting >= (options.maxConcurrent ?? loopLimit)) {
      const reason = `${waiting} questions wait for ${upstreams[0]}, which looks like a forwarding loop`;
      return options.maxConcurrent === undefined ? { kind: "unknown", reason } : { kind: "failed", rcode: "REFUSED" };
    }
    waiting++;
    const reply = yield { query: request.query, upstreams, transport, key: `${request.key}/${key}` };
    waiting--;
    switch (reply.kind) {
      case "unknown":
        return reply;
      case "silent":
        request.note({ plugin: "forward", text: `gives up: ${reply.reason}` });
        return { kind: "failed", rcode: "SERVFAIL" };
      case "reply":
        if (options.next.has(reply.message.rcode)) return yield* next(request);
        return { kind: "reply", message: { ...reply.message, id: request.query.id } };
    }
  };
}

/** The upstreams in the order they are tried. forward/policy.go */
function ordered(
  options: ForwardOptions,
  turn: number,
  key: string,
  request: DnsRequest,
  chance: Chance,
): readonly string[] {
  const { to, policy } = options;
  if (to.length < 2 || policy === "sequential") return to;
  if (policy === "round_robin") return [...to.slice(turn % to.length), ...to.slice(0, turn % to.length)];
  const id = `${key}/upstream`;
  const probability = 1 / to.length;
  const taken = chance.choose(
    id,
    to.map(() => probability),
  );
  const choice = { id, options: to.map((label) => ({ label, probability })), taken, by: "random" };
  request.note({ plugin: "forward", text: `picks ${to[taken]} at random`, choice });
  return [to[taken] as string, ...to.filter((_, index) => index !== taken)];
}

function readOptions(directive: Directive, context: PluginContext): ForwardOptions {
  const [from, ...to] = directive.args;
  argumentCount(directive.name, directive.args, 2, maxUpstreams + 1, context);
  for (const token of to) {
    const address = token.text.replace(/^[a-z0-9]+:\/\//, "").replace(/%.*$/, "");
    const host = /^\[(.*)\](?::\d+)?$/.exec(address)?.[1] ?? address.replace(/^([^:]*):\d+$/, "$1");
    if (!host.startsWith("/") && parseAddress(host) === undefined) {
      context.problem("COREFILE_ARGUMENT", token, `'${token.text}' is not an IP address or a file`);
    }
  }
  const options: ForwardOptions = {
    from: from === undefined ? [] : normaliseZone(from.text),
    to: to.map((token) => token.text),
    except: [],
    policy: "random",
    forceTcp: false,
    preferUdp: false,
    maxConcurrent: undefined,
    next: new Set(),
  };
  for (const property of directive.block ?? []) readProperty(property, options, context);
  return options;
}

function readProperty({ name, args }: Directive, options: ForwardOptions, context: PluginContext): void {
  switch (name.text) {
    case "except":
      if (argumentCount(name, args, 1, Number.POSITIVE_INFINITY, context)) {
        options.except = args.flatMap((arg) => normaliseZone(arg.text));
      }
      break;
    case "policy": {
      if (!argumentCount(name, args, 1, 1, context)) return;
      const policy = (["random", "round_robin", "sequential"] as const).find((known) => known === args[0]?.text);
      if (policy !== undefined) options.policy = policy;
      else context.problem("COREFILE_ARGUMENT", name, `unknown policy '${args[0]?.text}'`);
      break;
    }
    case "force_tcp":
      if (argumentCount(name, args, 0, 0, context)) options.forceTcp = true;
      break;
    case "prefer_udp":
      if (argumentCount(name, args, 0, 0, context)) options.preferUdp = true;
      break;
    case "max_concurrent":
      if (argumentCount(name, args, 1, 1, context)) {
        options.maxConcurrent = numberArgument(args[0] as Token, 0, 2 ** 31, context) || undefined;
      }
      break;
    case "next":
      options.next = new Set(args.map((arg) => arg.text));
      break;
    default:
      if (!tuning.has(name.text)) {
        context.problem("COREFILE_UNKNOWN_PROPERTY", name, `forward has no property '${name.text}'`);
      }
  }
}
