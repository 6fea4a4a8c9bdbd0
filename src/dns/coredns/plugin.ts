import type { Cluster } from "../../cluster/cluster.ts";
import type { Chance } from "../../kernel/chance.ts";
import type { Choice } from "../../trace/records.ts";
import type { Address } from "../../wire/address.ts";
import type { DnsMessage, Rcode } from "../../wire/dns.ts";
import type { Directive, Token } from "./corefile.ts";
import type { CorefileCode } from "./problem.ts";

/** One query as the chain sees it. */
export interface DnsRequest {
  readonly query: DnsMessage;
  /** The client, as CoreDNS sees it (after NAT). */
  readonly from?: Address;
  readonly transport: "udp" | "tcp";
  readonly nowNanos: number;
  /** Names this query in choice ids. */
  readonly key: string;
  /** Tells what a plugin decided, for the trace. */
  note(note: Note): void;
  /** How many lookups inside lookups led here. */
  readonly depth: number;
}

/** A decision of a plugin, in one sentence. */
export interface Note {
  readonly plugin: string;
  readonly text: string;
  readonly choice?: Choice;
  readonly assumption?: string;
}

/**
 * What a handler gives back: a message it wrote, a bare code (then the server writes the message, past the plugins
 * in front), or that something would decide here that is not modelled.
 */
export type Served =
  | { readonly kind: "reply"; readonly message: DnsMessage }
  | { readonly kind: "failed"; readonly rcode: Rcode }
  | { readonly kind: "unknown"; readonly reason: string };

/** A question that CoreDNS asks somebody else. Whoever runs the chain sends it, and comes back with the answer. */
export interface UpstreamQuery {
  readonly query: DnsMessage;
  /** In the order to be tried: `10.150.0.1:53`, `/etc/resolv.conf`. */
  readonly upstreams: readonly string[];
  readonly transport: "udp" | "tcp";
  readonly key: string;
}

export type UpstreamReply =
  | { readonly kind: "reply"; readonly message: DnsMessage }
  | { readonly kind: "silent"; readonly reason: string }
  | { readonly kind: "unknown"; readonly reason: string };

/** A running handler. It stops at each upstream query until the answer is there. */
export type Serving = Generator<UpstreamQuery, Served, UpstreamReply>;
export type Chain = (request: DnsRequest) => Serving;
export type Handler = (request: DnsRequest, next: Chain) => Serving;

/** What a plugin may know when the server starts. */
export interface PluginContext {
  /** Zones of the server block, absolute and in lower case. */
  readonly zones: readonly string[];
  readonly chance: Chance;
  /** The addresses of the pod it runs in, without loopback. */
  readonly localAddresses: readonly Address[];
  /** Text of a file beside the Corefile (keys of its ConfigMap); undefined when there is none. */
  file(path: string): string | undefined;
  cluster(): Cluster;
  /** Whether the informers have seen the API server's objects. */
  synced(): boolean;
  /** Asks this very server, as `upstream.Lookup` of CoreDNS does. */
  lookup(request: DnsRequest, query: DnsMessage): Serving;
  /** Notes a mistake in the Corefile; setup goes on, so that all are found. */
  problem(code: CorefileCode, at: Token, message: string): void;
}

/** One plugin: a file in dns/plugins and a line in its index. */
export interface DnsPlugin {
  readonly name: string;
  /** Reads its directives (most take one only). Undefined: it has no part in answering. */
  setup(directives: readonly Directive[], context: PluginContext): Handler | undefined;
}
