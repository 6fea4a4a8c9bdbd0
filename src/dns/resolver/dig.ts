import { type Address, formatAddress } from "../../wire/address.ts";
import type { DnsMessage, DnsQuestion } from "../../wire/dns.ts";
import { query } from "../message.ts";
import { absolute } from "../names.ts";
import type { ResolverIo } from "./api.ts";
import { type ResolvConf, dotsIn, settingsOf } from "./conf.ts";
import { exchange } from "./exchange.ts";
import { Mailbox, type Process } from "./process.ts";

export interface DigOptions {
  readonly conf: ResolvConf;
  /** `@SERVER`; the servers of resolv.conf otherwise. */
  readonly server?: Address;
  /** `+search`; off unless said. */
  readonly search?: boolean;
  /** `+tcp`. */
  readonly tcp?: boolean;
}

export type Dug =
  | {
      readonly kind: "reply";
      readonly message: DnsMessage;
      readonly server: Address;
      readonly transport: "udp" | "tcp";
      /** From sending to the reply. */
      readonly queryTimeNanos: number;
    }
  /** `;; no servers could be reached`: what went wrong at each server, in order. */
  | { readonly kind: "no-server"; readonly errors: readonly { readonly server: Address; readonly text: string }[] };

const tries = 3;
const timeoutSeconds = 5;
/** dig 9.18's EDNS: UDP size and the cookie it sends (8 bytes behind a header of 4). */
const edns = { udpSize: 1232, ednsOptionBytes: 12 };

/**
 * dig 9.18: asks for the name as it is, with EDNS, AD and a cookie; each server up to three times, 5 s each, a
 * truncated reply again over TCP. bind9 bin/dig/dighost.c.
 */
export function dig(question: DnsQuestion, options: DigOptions, io: ResolverIo, done: (dug: Dug) => void): void {
  const mail = new Mailbox(io);
  mail.run(walk(question, options, mail), done);
}

function* walk(question: DnsQuestion, options: DigOptions, mail: Mailbox): Process<Dug> {
  let dug: Dug = { kind: "no-server", errors: [] };
  for (const name of namesFor(question.name, options)) {
    dug = yield* ask({ ...question, name }, options, mail);
    // +search goes on after NXDOMAIN and after NODATA.
    const wanted = dug.kind === "no-server" || dug.message.answer.length > 0;
    if (wanted) return dug;
  }
  return dug;
}

function namesFor(name: string, { conf, search = false }: DigOptions): readonly string[] {
  const asIs = absolute(name);
  if (!search || name.endsWith(".")) return [asIs];
  const searched = conf.search.map((domain) => (domain === "." ? asIs : `${asIs}${domain}.`));
  return dotsIn(name) >= settingsOf(conf).ndots ? [asIs, ...searched] : [...searched, asIs];
}

function* ask(question: DnsQuestion, options: DigOptions, mail: Mailbox): Process<Dug> {
  const { io } = mail;
  const servers = options.server === undefined ? options.conf.nameservers : [options.server];
  const errors: { readonly server: Address; readonly text: string }[] = [];
  for (const server of servers) {
    let overTcp = options.tcp === true;
    for (let attempt = 0; attempt < tries; attempt++) {
      const sentAtNanos = io.clock.nowNanos();
      const action = attempt === 0 ? "query" : "retry";
      io.step({ kind: "resolver", action, ...question, server: formatAddress(server) });
      const id = io.chance.integer(`id/${question.type} ${question.name}/${sentAtNanos}`, 65536);
      const message = query(question, { id, authenticData: true, ...edns });
      const reply = yield* exchange(mail, message, server, overTcp ? "tcp" : "udp", timeoutSeconds);
      if (typeof reply === "string") {
        errors.push({ server, text: reply });
        continue;
      }
      if (reply.truncated && !overTcp) {
        overTcp = true;
        attempt--;
        continue;
      }
      const transport = overTcp ? "tcp" : "udp";
      return { kind: "reply", message: reply, server, transport, queryTimeNanos: io.clock.nowNanos() - sentAtNanos };
    }
  }
  return { kind: "no-server", errors };
}
