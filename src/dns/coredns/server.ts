import type { Cluster } from "../../cluster/cluster.ts";
import { type Chance, seededChance } from "../../kernel/chance.ts";
import type { Address } from "../../wire/address.ts";
import type { DnsMessage, DnsQuestion } from "../../wire/dns.ts";
import { minimumMessageBytes, truncate } from "../../wire/dns-size.ts";
import { query, replyTo } from "../message.ts";
import { longestZone } from "../names.ts";
import { normaliseZone } from "../plugins/arguments.ts";
import { dnsPlugins } from "../plugins/index.ts";
import { type ServerBlock, parseCorefile } from "./corefile.ts";
import { pluginOrder } from "./order.ts";
import type {
  Chain,
  DnsRequest,
  Note,
  PluginContext,
  Served,
  Serving,
  UpstreamQuery,
  UpstreamReply,
} from "./plugin.ts";
import { CorefileError, type CorefileProblem } from "./problem.ts";

/** Answers what CoreDNS asks upstream. */
export type Upstream = (asked: UpstreamQuery) => UpstreamReply;

export interface CoreDnsOptions {
  /** The Corefile's text. */
  readonly corefile: string;
  /** How the Corefile is called in errors. */
  readonly corefileName?: string;
  readonly cluster: Cluster;
  /** Addresses of the pod it runs in. */
  readonly localAddresses?: readonly Address[];
  readonly chance?: Chance;
  /** Other files it can read: imports, hosts. Keys are paths. */
  readonly files?: Readonly<Record<string, string>>;
  /** Whether the informers have seen all objects; true. */
  readonly synced?: boolean;
}

export type Answered =
  | {
      readonly kind: "reply";
      readonly message: DnsMessage;
      /** Size of the message on the wire, without the length bytes of TCP. */
      readonly bytes: number;
    }
  | { readonly kind: "unknown"; readonly reason: string };

export interface AnswerOptions {
  readonly transport?: "udp" | "tcp";
  readonly upstream?: Upstream;
  /** Names this process in choice ids; `coredns`. */
  readonly process?: string;
  readonly note?: (note: Note) => void;
}

interface Site {
  readonly zone: string;
  readonly port: number;
  readonly chain: Chain;
}

const dnsPort = 53;
/** Where the Corefile and its neighbours are mounted: relative paths in it begin here. */
const corefileFolder = "/etc/coredns";
/** How often a lookup inside a lookup may start another one. coredns core/dnsserver/server.go (maxreentries) */
const maxReentries = 10;

/** Reads a Corefile and tries every plugin's stanza, as CoreDNS does at start. Empty: it would start. */
export function checkCorefile(corefile: string, name?: string): readonly CorefileProblem[] {
  const problems: CorefileProblem[] = [];
  const context = { chance: seededChance(0), localAddresses: [], files: {}, cluster: noCluster, synced: () => true };
  build(corefile, name, context, () => nothingServed(), problems);
  return problems;
}

/**
 * One CoreDNS process: server blocks, each a chain of plugins. It keeps its cache over the queries.
 * Throws a CorefileError where CoreDNS would not start.
 */
export class CoreDns {
  readonly #sites: readonly Site[];
  readonly #answers = new Map<string, number>();
  #cluster: Cluster;
  #synced: boolean;

  constructor(options: CoreDnsOptions) {
    this.#cluster = options.cluster;
    this.#synced = options.synced ?? true;
    const problems: CorefileProblem[] = [];
    this.#sites = build(
      options.corefile,
      options.corefileName,
      {
        chance: options.chance ?? seededChance(0),
        localAddresses: options.localAddresses ?? [],
        files: options.files ?? {},
        cluster: () => this.#cluster,
        synced: () => this.#synced,
      },
      (request) => this.#serve(request),
      problems,
    );
    if (problems.length > 0) throw new CorefileError(problems);
  }

  /** The informers see a new state of the cluster. Undefined: the API server is away; old data is kept. */
  update(cluster: Cluster): void {
    this.#cluster = cluster;
    this.#synced = true;
  }

  /** Answers a question or a whole query at a moment of virtual time; upstream questions are answered at once. */
  answer(
    asked: DnsQuestion | DnsMessage,
    from: Address | undefined,
    nowNanos: number,
    options: AnswerOptions = {},
  ): Answered {
    const message = "id" in asked ? asked : query(asked);
    const { upstream = noUpstream } = options;
    const serving = this.serve(message, from, nowNanos, options);
    let step = serving.next();
    while (step.done !== true) step = serving.next(upstream(step.value));
    return step.value;
  }

  /** The same, for a caller that sends upstream questions by itself and comes back with each answer. */
  *serve(
    message: DnsMessage,
    from: Address | undefined,
    nowNanos: number,
    { transport = "udp", process = "coredns", note }: AnswerOptions = {},
  ): Generator<UpstreamQuery, Answered, UpstreamReply> {
    const served = yield* this.#serve({
      query: message,
      ...(from !== undefined && { from }),
      transport,
      nowNanos,
      key: this.#key(process, message.question),
      note: note ?? (() => {}),
      depth: 0,
    });
    if (served.kind === "unknown") return served;
    const reply = served.kind === "reply" ? served.message : replyTo(message, served.rcode);
    return finish(message, reply, transport);
  }

  *#serve(request: DnsRequest): Serving {
    const { name } = request.query.question;
    const sites = this.#sites.filter(({ port }) => port === dnsPort);
    const zone = longestZone(
      name,
      sites.map((site) => site.zone),
    );
    const site = sites.find((site) => site.zone === zone);
    // Nobody speaks for this name. server.go (ServeDNS)
    if (site === undefined) return { kind: "failed", rcode: "REFUSED" };
    if (request.depth > maxReentries) return { kind: "failed", rcode: "SERVFAIL" };
    return yield* site.chain(request);
  }

  #key(process: string, { name, type }: DnsQuestion): string {
    const question = `${process}/${name} ${type}`;
    const count = (this.#answers.get(question) ?? 0) + 1;
    this.#answers.set(question, count);
    return `${question}#${count}`;
  }
}

/** The OPT record is the client's own again; then the reply is cut to what the client takes. request.go (Scrub) */
function finish(asked: DnsMessage, reply: DnsMessage, transport: "udp" | "tcp"): Answered {
  const { udpSize, ednsOptionBytes } = asked;
  const { udpSize: _, ednsOptionBytes: __, ...plain } = reply;
  const whole = {
    ...plain,
    question: asked.question,
    ...(udpSize !== undefined && { udpSize }),
    ...(udpSize !== undefined && ednsOptionBytes !== undefined && { ednsOptionBytes }),
  };
  const limit = transport === "tcp" ? 65535 : (udpSize ?? minimumMessageBytes);
  return { kind: "reply", ...truncate(whole, limit) };
}

interface Process {
  readonly chance: Chance;
  readonly localAddresses: readonly Address[];
  readonly files: Readonly<Record<string, string>>;
  cluster(): Cluster;
  synced(): boolean;
}

function build(
  corefile: string,
  name: string | undefined,
  process: Process,
  self: (request: DnsRequest) => Serving,
  problems: CorefileProblem[],
): readonly Site[] {
  const parsed = parseCorefile(corefile, name, (pattern) => filesMatching(process.files, pattern));
  problems.push(...parsed.problems);
  const sites: Site[] = [];
  for (const block of parsed.blocks) {
    const keys = block.keys.flatMap((key) => siteKeys(key.text).map((site) => ({ ...site, key })));
    const zones = keys.map(({ zone }) => zone);
    const chain = buildChain(block, zones, process, self, problems);
    for (const { zone, port, key } of keys) {
      if (sites.some((site) => site.zone === zone && site.port === port)) {
        const message = `${zone}:${port} is served by another block already`;
        problems.push({ code: "COREFILE_DUPLICATE_ZONE", message, origin: key.origin });
      }
      sites.push({ zone, port, chain });
    }
  }
  return sites;
}

function buildChain(
  block: ServerBlock,
  zones: readonly string[],
  process: Process,
  self: (request: DnsRequest) => Serving,
  problems: CorefileProblem[],
): Chain {
  for (const { name } of block.directives) {
    if (dnsPlugins.has(name.text)) continue;
    const message = `unknown directive '${name.text}'`;
    problems.push({ code: "COREFILE_UNKNOWN_DIRECTIVE", message, origin: name.origin });
  }
  const context: PluginContext = {
    zones,
    chance: process.chance,
    localAddresses: process.localAddresses,
    file: (path) => (Object.hasOwn(process.files, path) ? process.files[path] : undefined),
    cluster: () => process.cluster(),
    synced: () => process.synced(),
    lookup: (request, message) => self({ ...request, query: message, depth: request.depth + 1 }),
    problem: (code, at, message) => problems.push({ code, message, origin: at.origin }),
  };
  let chain: Chain = () => nothingServed();
  for (const name of pluginOrder.toReversed()) {
    const directives = block.directives.filter((directive) => directive.name.text === name);
    if (directives.length === 0) continue;
    const handler = dnsPlugins.get(name)?.setup(directives, context);
    if (handler === undefined) continue;
    const next = chain;
    chain = (request) => handler(request, next);
  }
  return chain;
}

/** The end of a chain: "no next plugin found". plugin/plugin.go (NextOrFailure) */
function* nothingServed(): Serving {
  yield* [];
  return { kind: "failed", rcode: "SERVFAIL" } satisfies Served;
}

/** `dns://example.org:1053`, `.:53`, `10.0.0.0/24`, `example.org`. dnsserver/address.go */
function siteKeys(text: string): readonly { readonly zone: string; readonly port: number }[] {
  const [, scheme, rest = ""] = /^(?:([a-z0-9]+):\/\/)?(.*)$/.exec(text) ?? [];
  // Blocks for other transports are there, but no plain query reaches them.
  const defaultPort = scheme === undefined || scheme === "dns" ? dnsPort : 0;
  const [, host = rest, port] = /^(.*?):(\d+)$/.exec(rest) ?? [];
  return normaliseZone(host === "" ? "." : host).map((zone) => ({
    zone,
    port: defaultPort === 0 ? 0 : Number(port ?? defaultPort),
  }));
}

function filesMatching(
  files: Readonly<Record<string, string>>,
  pattern: string,
): readonly { readonly path: string; readonly text: string }[] {
  const path = pattern.startsWith("/") ? pattern : `${corefileFolder}/${pattern}`;
  const expression = path
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", "[^/]*")
    .replaceAll("?", "[^/]");
  const matcher = new RegExp(`^${expression}$`);
  return Object.entries(files)
    .filter(([path]) => matcher.test(path))
    .map(([path, text]) => ({ path, text }));
}

function noUpstream(asked: UpstreamQuery): UpstreamReply {
  return { kind: "unknown", reason: `nobody says what the upstream ${asked.upstreams[0]} answers` };
}

function noCluster(): never {
  throw new Error("a Corefile that is only checked has no cluster");
}
