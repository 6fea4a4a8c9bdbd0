import type { Address } from "../../wire/address.ts";
import type { DnsMessage, Rcode } from "../../wire/dns.ts";
import type { ResolveError, Resolved, ResolverIo } from "./api.ts";
import { type ResolvConf, dotsIn, settingsOf } from "./conf.ts";

/** The addresses of a reply. */
export function addressesIn({ answer }: DnsMessage): readonly Address[] {
  return answer.flatMap((record) => (record.type === "A" || record.type === "AAAA" ? [record.address] : []));
}

/** Whether a reply belongs to a query: same identifier, same question. */
export function matchesQuery(asked: DnsMessage, reply: DnsMessage): boolean {
  return (
    reply.response &&
    reply.id === asked.id &&
    reply.question.type === asked.question.type &&
    reply.question.name.toLowerCase() === asked.question.name.toLowerCase()
  );
}

export function failed(error: ResolveError, reason: string): Resolved {
  return { kind: "failed", error, reason };
}

/** Why the names are tried in the order they are, in one sentence. */
export function searchReason(name: string, conf: ResolvConf, flavour: "glibc" | "musl" | "go"): string {
  const { ndots } = settingsOf(conf);
  const dots = dotsIn(name);
  const count = `${dots} ${dots === 1 ? "dot" : "dots"}`;
  if (name.endsWith(".")) return `${name} ends in a dot, so it is asked for as it is`;
  if (conf.search.length === 0) return `there are no search domains, so ${name} is asked for as it is`;
  if (dots < ndots) return `${count} < ndots:${ndots}, so the search domains come first`;
  const rest = flavour === "musl" ? "and musl tries no search domain after it" : "and then with the search domains";
  return `${count} >= ndots:${ndots}, so ${name} is asked for as it is, ${rest}`;
}

/** Tells that the next name is tried, and why: what came of the one before, and which one it is. */
export function tellNextName(io: ResolverIo, name: string, before: string, domain: string | undefined): void {
  const what = domain === undefined ? "the name as it was written is next" : `the search domain ${domain} is next`;
  io.step({ kind: "resolver", action: "next-name", name, reason: `${before}; ${what}` });
}

/** What a name that led nowhere came to, in a few words. */
export function verdictOn(name: string, rcode: Rcode): string {
  if (rcode === "NOERROR") return `${name} exists but has no address (NODATA)`;
  return rcode === "NXDOMAIN" ? `${name} does not exist (NXDOMAIN)` : `the answer for ${name} is ${rcode}`;
}
