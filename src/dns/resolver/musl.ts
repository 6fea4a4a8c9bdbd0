import { nanosPerMilli } from "../../kernel/clock.ts";
import { type Address, type Family, formatAddress } from "../../wire/address.ts";
import type { DnsMessage } from "../../wire/dns.ts";
import { query } from "../message.ts";
import { absolute } from "../names.ts";
import type { Resolved, ResolverIo } from "./api.ts";
import { addressesIn, failed, matchesQuery, searchReason, tellNextName, verdictOn } from "./common.ts";
import { type ResolvConf, type Settings, dotsIn, settingsOf } from "./conf.ts";
import type { Channel, Mailbox, Process } from "./process.ts";

/** What changed with 1.2.4 (May 2023): TCP for truncated replies, `search .`, and EAI_NODATA. */
export interface MuslVersion {
  readonly overTcp: boolean;
}

/** One name tried: addresses, "go on" (NXDOMAIN), or an end. */
type Tried = readonly Address[] | "no-such-name" | Resolved;

/**
 * getaddrinfo of musl: both questions to all servers at once from one unconnected socket, so no ICMP error is heard;
 * the first good answer wins. A search goes on after NXDOMAIN only, and a name with enough dots is never searched.
 * src/network/lookup_name.c, res_msend.c.
 */
export class MuslResolver {
  readonly #mail: Mailbox;
  readonly #io: ResolverIo;
  readonly #conf: ResolvConf;
  readonly #settings: Settings;
  readonly #families: readonly Family[];
  readonly #version: MuslVersion;

  constructor(mail: Mailbox, conf: ResolvConf, families: readonly Family[], version: MuslVersion) {
    this.#mail = mail;
    this.#io = mail.io;
    this.#conf = conf;
    this.#settings = settingsOf(conf);
    this.#families = families;
    this.#version = version;
  }

  /** name_from_dns_search */
  *resolve(name: string): Process<Resolved> {
    this.#io.step({ kind: "resolver", action: "start", name, reason: searchReason(name, this.#conf, "musl") });
    const searches = dotsIn(name) < this.#settings.ndots && !name.endsWith(".");
    let before: string | undefined;
    const bare = name.replace(/\.$/, "");
    for (const domain of searches ? this.#conf.search : []) {
      // A final dot on a search domain makes a name that 1.2.3 cannot write: the whole lookup fails.
      if (domain === "." && !this.#version.overTcp) return failed("EAI_NONAME", `musl before 1.2.4 cannot search "."`);
      const candidate = domain === "." ? absolute(bare) : `${bare}.${domain}.`;
      if (candidate.length > 255) continue;
      if (before !== undefined) tellNextName(this.#io, candidate, before, domain);
      const tried = yield* this.#try(candidate);
      if (tried !== "no-such-name") return resolved(candidate, tried);
      before = verdictOn(candidate, "NXDOMAIN");
    }
    if (before !== undefined) tellNextName(this.#io, absolute(name), before, undefined);
    const tried = yield* this.#try(absolute(name));
    return tried === "no-such-name"
      ? failed("EAI_NONAME", `no name that was tried for ${name} exists`)
      : resolved(absolute(name), tried);
  }

  /** name_from_dns: the answers to both questions must be there, else the whole lookup fails. */
  *#try(name: string): Process<Tried> {
    const queries = this.#families.map((family) => this.#message(name, family));
    const replies = yield* this.#send(queries, name);
    for (const reply of replies) {
      if (reply === undefined) return failed("EAI_AGAIN", `no usable answer for ${name} in time`);
      if (reply.rcode === "SERVFAIL") return failed("EAI_AGAIN", `the server failed for ${name}`);
      if (reply.rcode === "NXDOMAIN") {
        this.#io.step({
          kind: "resolver",
          action: "answer",
          name,
          rcode: reply.rcode,
          type: this.#families.length > 1 ? "A and AAAA" : "address",
        });
        return "no-such-name";
      }
      if (reply.rcode !== "NOERROR") return failed("EAI_FAIL", `the server answered ${reply.rcode} for ${name}`);
    }
    const addresses = replies.flatMap((reply) => (reply === undefined ? [] : addressesIn(reply)));
    if (addresses.length > 0) return addresses;
    // Other resolvers would go on with the next search domain here.
    const error = this.#version.overTcp ? "EAI_NODATA" : "EAI_NONAME";
    return failed(error, `${name} exists but has no address, which ends musl's search`);
  }

  /** res_msend: sends again every timeout/attempts what is not answered yet. */
  *#send(queries: readonly DnsMessage[], name: string): Process<readonly (DnsMessage | undefined)[]> {
    const servers = this.#conf.nameservers.slice(0, 3);
    const types = queries.map(({ question }) => question.type).join(" and ");
    const timeoutNanos = this.#settings.timeoutSeconds * 1000 * nanosPerMilli;
    const retryNanos = Math.floor((this.#settings.timeoutSeconds * 1000) / this.#settings.attempts) * nanosPerMilli;
    const channel = this.#mail.openUdp(undefined, `${types} ${name}`);
    const connections = new Map<Channel, number>();
    const replies: (DnsMessage | undefined)[] = queries.map(() => undefined);
    const start = this.#io.clock.nowNanos();
    let sentAt = start - retryNanos;
    let retriesLeft = 0;
    const pending = (index: number): boolean =>
      replies[index] === undefined && ![...connections.values()].includes(index);
    try {
      for (let now = start; now - start < timeoutNanos; now = this.#io.clock.nowNanos()) {
        if (replies.every((reply) => reply !== undefined)) break;
        if (now - sentAt >= retryNanos) {
          const server = servers.map(formatAddress).join(" and ");
          this.#io.step({
            kind: "resolver",
            action: now === start ? "query" : "retry",
            name,
            type: types,
            server,
          });
          const sends = queries.flatMap((message, index) =>
            pending(index) ? servers.map((server) => () => void channel.send(message, server)) : [],
          );
          yield* this.#mail.sendInTurn(channel, sends);
          sentAt = now;
          retriesLeft = 2 * queries.length;
        }
        // poll(2) wakes a little late; without that a third interval of 333 ms would still end inside 1 s.
        const wake = yield Math.min(sentAt + retryNanos + nanosPerMilli, start + timeoutNanos);
        if (wake.kind === "connected")
          wake.channel.send(queries[connections.get(wake.channel) as number] as DnsMessage);
        if (wake.kind === "error" && connections.delete(wake.channel)) break;
        if (wake.kind !== "message") continue;
        const { message, from } = wake;
        const index = queries.findIndex((candidate) => matchesQuery(candidate, message));
        const overTcp = connections.has(wake.channel);
        if (index < 0 || replies[index] !== undefined || (!overTcp && !pending(index))) continue;
        if (message.rcode === "NOERROR" || message.rcode === "NXDOMAIN") {
          if (message.truncated && !overTcp && this.#version.overTcp) {
            connections.set(this.#mail.openTcp(from, `${message.question.type} ${name}`), index);
          } else replies[index] = message;
        } else if (message.rcode === "SERVFAIL" && !overTcp && retriesLeft > 0) {
          // Asked again at once, a few times; refusals are not even looked at.
          retriesLeft--;
          channel.send(queries[index] as DnsMessage, from);
        }
      }
      return replies;
    } finally {
      channel.close();
      for (const connection of connections.keys()) connection.close();
    }
  }

  #message(name: string, family: Family): DnsMessage {
    const type = family === "ipv4" ? "A" : "AAAA";
    return query({ name, type }, { id: this.#io.chance.integer(`id/${name}/${type}`, 65536) });
  }
}

function resolved(name: string, tried: readonly Address[] | Resolved): Resolved {
  return "kind" in tried ? tried : { kind: "addresses", name, addresses: tried };
}
