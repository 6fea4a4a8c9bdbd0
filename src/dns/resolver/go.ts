import { type Address, type Family, formatAddress } from "../../wire/address.ts";
import type { DnsMessage } from "../../wire/dns.ts";
import { query } from "../message.ts";
import { absolute, isInZone } from "../names.ts";
import type { ResolveError, Resolved, ResolverIo } from "./api.ts";
import { addressesIn, failed, searchReason, tellNextName } from "./common.ts";
import { type ResolvConf, type Settings, dotsIn, settingsOf } from "./conf.ts";
import { exchange } from "./exchange.ts";
import { Mailbox, type Process } from "./process.ts";

/** Offered in every query: net/dnsclient_unix.go (maxDNSPacketSize). */
const ednsBytes = 1232;
const maxNameLength = 254;

type Tried =
  | { readonly kind: "answer"; readonly message: DnsMessage }
  | { readonly kind: "error"; readonly error: ResolveError; readonly reason: string };

/**
 * Go's own resolver: A and AAAA side by side, each query from a socket of its own; whatever goes wrong with a name,
 * the next one is tried. net/dnsclient_unix.go.
 */
export class GoResolver {
  readonly #mail: Mailbox;
  readonly #io: ResolverIo;
  readonly #conf: ResolvConf;
  readonly #settings: Settings;
  readonly #families: readonly Family[];
  #serverOffset = 0;

  constructor(mail: Mailbox, conf: ResolvConf, families: readonly Family[]) {
    this.#mail = mail;
    this.#io = mail.io;
    this.#conf = conf;
    this.#settings = settingsOf(conf);
    this.#families = families;
  }

  /** goLookupIPCNAMEOrder */
  *resolve(name: string): Process<Resolved> {
    this.#io.step({ kind: "resolver", action: "start", name, reason: searchReason(name, this.#conf, "go") });
    const asIs = absolute(name);
    let last: Extract<Tried, { kind: "error" }> | undefined;
    let before: string | undefined;
    for (const candidate of this.#names(name)) {
      if (before !== undefined) tellNextName(this.#io, candidate, before, this.#domainOf(candidate, asIs));
      const tried = yield* this.#tryBoth(candidate);
      const addresses = tried.flatMap((one) => (one.kind === "answer" ? addressesIn(one.message) : []));
      if (addresses.length > 0) return { kind: "addresses", name: candidate, addresses };
      for (const one of tried) {
        // The error of the name as it was written is preferred.
        if (one.kind === "error" && (last === undefined || candidate === asIs)) last = one;
      }
      before = `${candidate}: ${tried.map((one) => (one.kind === "error" ? one.reason : "no address")).join(", ")}`;
    }
    return failed(last?.error ?? "EAI_NONAME", last?.reason ?? `${name} is no name to ask the DNS for`);
  }

  /** The search domain that a candidate ends in; undefined for the name as it was written. */
  #domainOf(candidate: string, asIs: string): string | undefined {
    return candidate === asIs ? undefined : candidate.slice(asIs.length, -1);
  }

  /** nameList */
  #names(name: string): readonly string[] {
    const asIs = absolute(name);
    if (asIs.length > maxNameLength) return [];
    const searched = this.#conf.search.map((domain) => (domain === "." ? asIs : `${asIs}${domain}.`));
    const short = searched.filter((candidate) => candidate.length <= maxNameLength);
    const enoughDots = dotsIn(name) >= this.#settings.ndots;
    const names = name.endsWith(".") ? [asIs] : enoughDots ? [asIs, ...short] : [...short, asIs];
    return names.filter((candidate) => !isInZone(candidate, "onion."));
  }

  *#tryBoth(name: string): Process<readonly Tried[]> {
    const { options } = this.#conf;
    const oneAtATime = options.has("single-request") || options.has("single-request-reopen");
    const results: (Tried | undefined)[] = this.#families.map(() => undefined);
    for (const [index, family] of this.#families.entries()) {
      const child = new Mailbox(this.#io);
      child.run(this.#tryOne(child, name, family), (result) => {
        results[index] = result;
        this.#mail.post({ kind: "ended", child });
      });
      if (oneAtATime) while (results[index] === undefined) yield Number.POSITIVE_INFINITY;
    }
    while (results.some((result) => result === undefined)) yield Number.POSITIVE_INFINITY;
    return results.flatMap((result) => result ?? []);
  }

  /** tryOneName: the servers one after the other, `attempts` times, until one gives a final answer. */
  *#tryOne(mail: Mailbox, name: string, family: Family): Process<Tried> {
    const servers = this.#conf.nameservers.slice(0, 3);
    const offset = this.#conf.options.has("rotate") ? this.#serverOffset++ : 0;
    const type = family === "ipv4" ? "A" : "AAAA";
    let last: Tried = { kind: "error", error: "EAI_AGAIN", reason: "there is no name server" };
    for (let attempt = 0; attempt < this.#settings.attempts; attempt++) {
      for (let shift = 0; shift < servers.length; shift++) {
        const server = servers[(offset + shift) % servers.length] as Address;
        const action = attempt > 0 ? "retry" : shift > 0 ? "next-server" : "query";
        this.#io.step({ kind: "resolver", action, name, type, server: formatAddress(server) });
        const reply = yield* this.#exchange(mail, name, type, server);
        if (typeof reply === "string") {
          last = { kind: "error", error: "EAI_AGAIN", reason: `${type} ${reply}` };
          continue;
        }
        const problem = problemOf(reply);
        if (problem !== undefined) last = { kind: "error", error: "EAI_AGAIN", reason: `${type} ${problem}` };
        else if (reply.rcode === "NXDOMAIN" || !reply.answer.some((record) => record.type === type)) {
          return {
            kind: "error",
            error: "EAI_NONAME",
            reason: `${type} ${reply.rcode === "NXDOMAIN" ? "NXDOMAIN" : "NODATA"}`,
          };
        } else return { kind: "answer", message: reply };
      }
    }
    return last;
  }

  /** exchange: UDP, then TCP where the reply is truncated. A sentence for what went wrong. */
  *#exchange(mail: Mailbox, name: string, type: string, server: Address): Process<DnsMessage | string> {
    const { options } = this.#conf;
    const id = this.#io.chance.integer(`id/${name}/${type}/${this.#io.clock.nowNanos()}`, 65536);
    const message = query({ name, type }, { id, udpSize: ednsBytes, authenticData: options.has("trust-ad") });
    for (const transport of options.has("use-vc") ? (["tcp"] as const) : (["udp", "tcp"] as const)) {
      const reply = yield* exchange(mail, message, server, transport, this.#settings.timeoutSeconds);
      if (typeof reply === "string" || !reply.truncated || transport === "tcp") return reply;
    }
    return "truncated";
  }
}

/** checkHeader: replies after which the next server is asked. */
function problemOf(reply: DnsMessage): string | undefined {
  const { rcode, answer, additional, authoritative, recursionAvailable } = reply;
  if (rcode !== "NOERROR" && rcode !== "NXDOMAIN") return rcode;
  const lame = answer.length === 0 && additional.length === 0 && !authoritative && !recursionAvailable;
  return rcode === "NOERROR" && lame ? "lame referral" : undefined;
}
