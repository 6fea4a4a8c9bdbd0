import type { Chance } from "../../kernel/chance.ts";
import type { DnsRecord } from "../../wire/dns.ts";
import { formatRecord } from "../../wire/dns-text.ts";
import type { DnsPlugin, DnsRequest } from "../coredns/plugin.ts";

/**
 * `loadbalance [round_robin]`: shuffles A, AAAA and MX records of every reply, cached ones too, since it stands in
 * front of the cache. CNAMEs come first, then all else, then the addresses. `weighted` gives unknown.
 * CoreDNS plugin/loadbalance.
 */
export const loadbalance: DnsPlugin = {
  name: "loadbalance",
  setup([directive], context) {
    const policy = directive?.args[0];
    if (policy !== undefined && policy.text !== "round_robin" && policy.text !== "weighted") {
      context.problem("COREFILE_ARGUMENT", policy, `loadbalance has no policy '${policy.text}'`);
    }
    return function* (request, next) {
      if (policy?.text === "weighted") {
        return { kind: "unknown", reason: "the policy weighted of CoreDNS's loadbalance plugin is not modelled" };
      }
      const served = yield* next(request);
      if (served.kind !== "reply" || served.message.rcode !== "NOERROR") return served;
      const { message } = served;
      const shuffled = (section: "answer" | "authority" | "additional"): readonly DnsRecord[] =>
        roundRobin(message[section], section, request, context.chance);
      return {
        kind: "reply",
        message: {
          ...message,
          answer: shuffled("answer"),
          authority: shuffled("authority"),
          additional: shuffled("additional"),
        },
      };
    };
  },
};

function roundRobin(
  records: readonly DnsRecord[],
  section: string,
  request: DnsRequest,
  chance: Chance,
): readonly DnsRecord[] {
  if (records.length < 2) return records;
  const addresses = records.filter(({ type }) => type === "A" || type === "AAAA");
  const exchanges = records.filter(({ type }) => type === "MX");
  const aliases = records.filter(({ type }) => type === "CNAME");
  const rest = records.filter((record) => ![addresses, exchanges, aliases].some((list) => list.includes(record)));
  const key = `${request.key}/loadbalance/${section}`;
  const shuffledAddresses = shuffle(addresses, `${key}/address`, section === "answer" ? request : undefined, chance);
  return [...aliases, ...rest, ...shuffledAddresses, ...shuffle(exchanges, `${key}/mx`, undefined, chance)];
}

/** Every order is as likely as any other; which record comes first is a choice of its own. */
function shuffle(
  records: readonly DnsRecord[],
  key: string,
  request: DnsRequest | undefined,
  chance: Chance,
): readonly DnsRecord[] {
  const left = [...records];
  const order: DnsRecord[] = [];
  while (left.length > 1) {
    const id = `${key}/${order.length}`;
    const probability = 1 / left.length;
    const options = left.map((record) => ({ label: formatRecord(record), probability }));
    const taken = chance.choose(
      id,
      left.map(() => probability),
    );
    const [record] = left.splice(taken, 1) as [DnsRecord];
    if (order.length === 0) {
      const text = `shuffles the addresses; ${options[taken]?.label} comes first`;
      request?.note({ plugin: "loadbalance", text, choice: { id, options, taken, by: "random" } });
    }
    order.push(record);
  }
  return [...order, ...left];
}
