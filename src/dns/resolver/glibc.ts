import { nanosPerSecond } from "../../kernel/clock.ts";
import { type Address, type Family, formatAddress } from "../../wire/address.ts";
import type { DnsMessage } from "../../wire/dns.ts";
import { query } from "../message.ts";
import { absolute } from "../names.ts";
import type { Resolved, ResolverIo } from "./api.ts";
import { type ResolvConf, type Settings, dotsIn, settingsOf } from "./conf.ts";
import type { Channel, Mailbox, Process } from "./process.ts";
import { addressesIn, failed, matchesQuery, searchReason, tellNextName, verdictOn } from "./common.ts";

/** h_errno of one lookup. */
type LookupError = "HOST_NOT_FOUND" | "NO_DATA" | "TRY_AGAIN" | "NO_RECOVERY";

/** Both replies of one exchange, in the order they came; undefined for one that failed or never came. */
interface Replies {
  readonly first: DnsMessage | undefined;
  readonly second: DnsMessage | undefined;
}

type Lookup =
  | { readonly kind: "found"; readonly replies: Replies }
  | {
      readonly kind: "failed";
      readonly error: LookupError;
      /** The code in the buffer of the first reply, which the search looks at; NOERROR where none came. */
      readonly rcode: DnsMessage["rcode"];
      /** What came of the name, in a few words. */
      readonly reason: string;
      /** No server could even be reached (ECONNREFUSED). */
      readonly unreachable: boolean;
    };

type Sent = "next-server" | "truncated" | Replies;

/** The default of the option edns0. resolv/res_mkquery.c: RESOLV_EDNS_BUFFER_SIZE */
const ednsBytes = 1200;

/**
 * getaddrinfo of glibc 2.36: both questions leave one socket back to back; the server list is walked `attempts` times;
 * a search goes on after NXDOMAIN, NODATA and SERVFAIL. resolv/res_query.c, resolv/res_send.c.
 */
export class GlibcResolver {
  readonly #mail: Mailbox;
  readonly #io: ResolverIo;
  readonly #conf: ResolvConf;
  readonly #settings: Settings;
  readonly #families: readonly Family[];
  /** RES_SNGLKUP and RES_SNGLKUPREOP: set by options, or for good after a time-out with one of two answers. */
  #oneAtATime: boolean;
  #reopens: boolean;
  readonly #channels = new Map<number, Channel>();
  #useTcp: boolean;
  #reachedSomebody = false;
  #bufferRcode: DnsMessage["rcode"] = "NOERROR";
  #serverOffset: number | undefined;

  constructor(mail: Mailbox, conf: ResolvConf, families: readonly Family[]) {
    this.#mail = mail;
    this.#io = mail.io;
    this.#conf = conf;
    this.#settings = settingsOf(conf);
    this.#families = conf.options.has("no-aaaa") ? families.filter((family) => family === "ipv4") : families;
    this.#reopens = conf.options.has("single-request-reopen");
    this.#oneAtATime = this.#reopens || conf.options.has("single-request");
    this.#useTcp = conf.options.has("use-vc");
  }

  /** res_search of both questions. */
  *resolve(name: string): Process<Resolved> {
    const { ndots } = this.#settings;
    const dots = dotsIn(name);
    const trailingDot = name.endsWith(".");
    this.#io.step({ kind: "resolver", action: "start", name, reason: searchReason(name, this.#conf, "glibc") });
    let before: string | undefined;
    let asIsError: LookupError | undefined;
    if (dots >= ndots || trailingDot) {
      const lookup = yield* this.#query(absolute(name));
      if (lookup.kind === "found") return this.#result(absolute(name), lookup.replies);
      if (trailingDot) return this.#failure(name, lookup.error);
      asIsError = lookup.error;
      before = lookup.reason;
    }

    let gotNoData = false;
    let gotServfail = false;
    let lastError: LookupError = asIsError ?? "HOST_NOT_FOUND";
    let rootOnList = false;
    for (const domain of this.#conf.search) {
      const candidate = domain === "." ? absolute(name) : `${name}.${domain}.`;
      rootOnList ||= domain === ".";
      if (before !== undefined) tellNextName(this.#io, candidate, before, domain);
      const lookup = yield* this.#query(candidate);
      if (lookup.kind === "found") return this.#result(candidate, lookup.replies);
      lastError = lookup.error;
      before = lookup.reason;
      if (lookup.unreachable) return this.#failure(name, "TRY_AGAIN");
      if (lookup.error === "NO_DATA") gotNoData = true;
      else if (lookup.error === "TRY_AGAIN" && lookup.rcode === "SERVFAIL") gotServfail = true;
      else if (lookup.error !== "HOST_NOT_FOUND") break;
    }
    const noTld = dots === 0 && this.#conf.search.length > 0 && this.#conf.options.has("no-tld-query");
    if (asIsError === undefined && !rootOnList && !noTld) {
      if (before !== undefined) tellNextName(this.#io, absolute(name), before, undefined);
      const lookup = yield* this.#query(absolute(name));
      if (lookup.kind === "found") return this.#result(absolute(name), lookup.replies);
      lastError = lookup.error;
    }
    const error = asIsError ?? (gotNoData ? "NO_DATA" : gotServfail ? "TRY_AGAIN" : lastError);
    return this.#failure(name, error);
  }

  /** getaddrinfo joins both answers; a CNAME that leads to no address is no result. nss_dns/dns-host.c */
  #result(name: string, { first, second }: Replies): Resolved {
    const addresses = [first, second].flatMap((reply) => (reply === undefined ? [] : addressesIn(reply)));
    if (addresses.length === 0) return this.#failure(name, "HOST_NOT_FOUND");
    return { kind: "addresses", name, addresses };
  }

  #failure(name: string, error: LookupError): Resolved {
    switch (error) {
      case "TRY_AGAIN":
        return failed("EAI_AGAIN", `no name server gave a usable answer for ${name}`);
      case "NO_DATA":
        return failed("EAI_NODATA", `${name} exists, but has no address`);
      case "HOST_NOT_FOUND":
      case "NO_RECOVERY":
        return failed("EAI_NONAME", `no name that was tried for ${name} exists`);
    }
  }

  /** res_query: one name, one or two questions. */
  *#query(name: string): Process<Lookup> {
    this.#bufferRcode = "NOERROR";
    const replies = yield* this.#send(name);
    if (replies === "unreachable" || replies === "silent") {
      const unreachable = replies === "unreachable";
      const rcode = this.#bufferRcode;
      const reason = rcode === "NOERROR" ? `no server answered for ${name}` : verdictOn(name, rcode);
      return { kind: "failed", error: "TRY_AGAIN", rcode, reason, unreachable };
    }
    const first = replies.first ?? (replies.second as DnsMessage);
    const second = replies.second ?? first;
    const usable = [first, second].some(({ rcode, answer }) => rcode === "NOERROR" && answer.length > 0);
    if (usable) return { kind: "found", replies };
    const rcode = first.rcode === "NOERROR" ? second.rcode : first.rcode;
    const error = errorOf(rcode);
    this.#io.step({ kind: "resolver", action: "answer", name, type: this.#types(), rcode });
    return { kind: "failed", error, rcode: first.rcode, reason: verdictOn(name, rcode), unreachable: false };
  }

  /** res_send: walks the servers, `attempts` times. */
  *#send(name: string): Process<Replies | "unreachable" | "silent"> {
    const servers = this.#conf.nameservers.slice(0, 3);
    const offset = this.#nextOffset(servers.length);
    let overTcp = this.#useTcp;
    this.#reachedSomebody = false;
    const messages = this.#families.map((family) => this.#message(name, family));
    try {
      for (let attempt = 0; attempt < this.#settings.attempts; attempt++) {
        for (let shift = 0; shift < servers.length; shift++) {
          const index = (shift + offset) % servers.length;
          const server = servers[index] as Address;
          this.#tell(name, server, attempt, shift, overTcp);
          let sent: Sent = overTcp ? "truncated" : yield* this.#sendDatagrams(messages, name, server, index);
          if (sent === "truncated") {
            // The reply did not fit: the same server is asked over TCP, and nobody a second time.
            overTcp = true;
            attempt = this.#settings.attempts;
            sent = yield* this.#sendOverTcp(messages, name, server);
          }
          if (sent !== "next-server" && sent !== "truncated") return sent;
        }
      }
      return !overTcp && !this.#reachedSomebody ? "unreachable" : "silent";
    } finally {
      this.#closeAll();
    }
  }

  /** With `rotate` the first server of the first query is random, and each query starts one further. */
  #nextOffset(servers: number): number {
    if (servers < 2 || !this.#conf.options.has("rotate")) return 0;
    this.#serverOffset =
      this.#serverOffset === undefined ? this.#io.chance.integer("rotate", servers) : this.#serverOffset + 1;
    return this.#serverOffset % servers;
  }

  #message(name: string, family: Family): DnsMessage {
    const type = family === "ipv4" ? "A" : "AAAA";
    const id = this.#io.chance.integer(`id/${name}/${type}/${this.#io.clock.nowNanos()}`, 65536);
    const { options } = this.#conf;
    return query(
      { name, type },
      { id, authenticData: options.has("trust-ad"), ...(options.has("edns0") && { udpSize: ednsBytes }) },
    );
  }

  #tell(name: string, server: Address, attempt: number, shift: number, overTcp: boolean): void {
    const type = this.#types();
    const reason = overTcp
      ? "over TCP"
      : attempt > 0
        ? `attempt ${attempt + 1} of ${this.#settings.attempts}`
        : undefined;
    const action = attempt > 0 ? "retry" : shift > 0 ? "next-server" : "query";
    this.#io.step({ kind: "resolver", action, name, type, server: formatAddress(server), ...(reason && { reason }) });
  }

  #types(): string {
    return this.#families.map((family) => (family === "ipv4" ? "A" : "AAAA")).join(" and ");
  }

  /** send_dg: one server, over UDP, until both answers are there or time is up. */
  *#sendDatagrams(messages: readonly DnsMessage[], name: string, server: Address, index: number): Process<Sent> {
    const [one, two] = messages as readonly [DnsMessage, DnsMessage | undefined];
    const nanos = this.#secondsFor(index) * nanosPerSecond;
    const reachedBefore = this.#reachedSomebody;
    for (;;) {
      const deadline = this.#io.clock.nowNanos() + nanos;
      let channel = this.#channel(index, server, name);
      const outgoing = two === undefined || this.#oneAtATime ? [one] : [one, two];
      const opened = channel;
      const sends = outgoing.map((message) => () => opened.send(message));
      if (!(yield* this.#mail.sendInTurn(channel, sends))) return this.#giveUpOn(index);
      const got = new Set<DnsMessage>();
      let first: DnsMessage | undefined;
      let again = false;
      while (!again) {
        const wake = yield deadline;
        if (wake.kind === "timeout") {
          // One of two answers came: perhaps somebody on the way cannot take two questions from one port. From now
          // on they are asked one after the other; if that does not help, from a new socket each.
          if (first !== undefined && two !== undefined) {
            if (this.#oneAtATime && this.#reopens) return { first, second: undefined };
            this.#askSingly(name, server, index);
            this.#reachedSomebody = reachedBefore;
            again = true;
            continue;
          }
          this.#reachedSomebody = true;
          return this.#timedOut(name, server);
        }
        if (wake.kind === "error" && wake.channel === channel) return this.#giveUpOn(index);
        if (wake.kind !== "message" || wake.channel !== channel) continue;
        const { message } = wake;
        const asked = messages.find((candidate) => matchesQuery(candidate, message) && !got.has(candidate));
        if (asked === undefined) continue;
        this.#reachedSomebody = true;
        const isSecond = got.size > 0;
        if (!isSecond) this.#bufferRcode = message.rcode;
        if (isServerFailure(message)) {
          if (isSecond) return first === undefined ? "next-server" : { first, second: undefined };
          if (two === undefined) return this.#giveUpOn(index);
          got.add(asked);
          continue;
        }
        if (message.truncated) {
          this.#giveUpOn(index);
          return "truncated";
        }
        got.add(asked);
        if (isSecond || two === undefined)
          return isSecond ? { first, second: message } : { first: message, second: undefined };
        first = message;
        if (!this.#oneAtATime) continue;
        if (this.#reopens) {
          this.#giveUpOn(index);
          channel = this.#channel(index, server, name);
        }
        if (channel.send(asked === one ? two : one) !== undefined) return this.#giveUpOn(index);
      }
    }
  }

  #askSingly(name: string, server: Address, index: number): void {
    const how = this.#oneAtATime ? "from a new socket each" : "one after the other";
    if (this.#oneAtATime) {
      this.#reopens = true;
      this.#giveUpOn(index);
    }
    this.#oneAtATime = true;
    const reason = `one of two answers is missing, so from now on A and AAAA are asked ${how}`;
    this.#io.step({ kind: "resolver", action: "retry", name, server: formatAddress(server), reason });
  }

  #timedOut(name: string, server: Address): "next-server" {
    const text = `${formatAddress(server)} has not answered for ${name} in time.`;
    this.#io.step({ kind: "timer", timer: "resolver-timeout", text });
    return "next-server";
  }

  /** The second server and later ones get `timeout` doubled each time, shared by all: res_send.c. */
  #secondsFor(index: number): number {
    const seconds = this.#settings.timeoutSeconds << index;
    return Math.max(1, index === 0 ? seconds : Math.floor(seconds / Math.min(3, this.#conf.nameservers.length)));
  }

  /** send_vc: both questions on one connection. No time-out but TCP's own. */
  *#sendOverTcp(messages: readonly DnsMessage[], name: string, server: Address): Process<Sent> {
    const channel = this.#mail.openTcp(server, `${this.#types()} ${name}`);
    const replies: DnsMessage[] = [];
    try {
      for (;;) {
        const wake = yield Number.POSITIVE_INFINITY;
        if (wake.kind === "timeout" || wake.kind === "ended" || wake.channel !== channel) continue;
        if (wake.kind === "error") return "next-server";
        if (wake.kind === "connected") for (const message of messages) channel.send(message);
        else if (messages.some((message) => matchesQuery(message, wake.message))) {
          replies.push(wake.message);
          if (replies.length === messages.length) return { first: replies[0], second: replies[1] };
        }
      }
    } finally {
      channel.close();
    }
  }

  #channel(index: number, server: Address, name: string): Channel {
    let channel = this.#channels.get(index);
    if (channel === undefined) {
      channel = this.#mail.openUdp(server, `${this.#types()} ${name}`);
      this.#channels.set(index, channel);
    }
    return channel;
  }

  #giveUpOn(index: number): "next-server" {
    this.#channels.get(index)?.close();
    this.#channels.delete(index);
    return "next-server";
  }

  #closeAll(): void {
    for (const channel of this.#channels.values()) channel.close();
    this.#channels.clear();
  }
}

/** Replies after which another server is asked; also a lame one: empty, and neither authoritative nor recursive. */
function isServerFailure(message: DnsMessage): boolean {
  const { rcode, answer, additional, authoritative, recursionAvailable, udpSize } = message;
  if (rcode === "SERVFAIL" || rcode === "NOTIMP" || rcode === "REFUSED") return true;
  const empty = answer.length === 0 && additional.length === 0 && udpSize === undefined;
  return rcode === "NOERROR" && empty && !authoritative && !recursionAvailable;
}

function errorOf(rcode: DnsMessage["rcode"]): LookupError {
  switch (rcode) {
    case "NXDOMAIN":
      return "HOST_NOT_FOUND";
    case "SERVFAIL":
      return "TRY_AGAIN";
    case "NOERROR":
      return "NO_DATA";
    case "FORMERR":
    case "NOTIMP":
    case "REFUSED":
      return "NO_RECOVERY";
  }
}
