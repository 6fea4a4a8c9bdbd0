import type { DnsRecord } from "../../wire/dns.ts";
import { formatAddress } from "../../wire/address.ts";
import type { DnsPlugin, DnsRequest, PluginContext, Served } from "../coredns/plugin.ts";
import { absolute, isInZone, longestZone } from "../names.ts";
import { clusterZone } from "../zone.ts";
import { zonesOf } from "./arguments.ts";

/**
 * `autopath [ZONES...] @kubernetes`: walks the search path of the asking pod in the client's stead and answers with the
 * first name that is not NXDOMAIN, behind a CNAME from the name that was asked. Needs `pods verified` and the pod's
 * own address as source. A search path from a resolv.conf gives unknown. CoreDNS plugin/autopath.
 */
export const autopath: DnsPlugin = {
  name: "autopath",
  setup([directive], context) {
    if (directive === undefined) return undefined;
    const path = directive.args.at(-1);
    const zones = zonesOf(directive.args.slice(0, -1), context);
    if (path === undefined) {
      context.problem("COREFILE_ARGUMENT", directive.name, "autopath needs @kubernetes or a resolv.conf");
    }
    return function* (request, next) {
      const { question } = request.query;
      if (longestZone(question.name, zones) === undefined) return yield* next(request);
      if (path?.text !== "@kubernetes") {
        return {
          kind: "unknown",
          reason: `the search path ${path?.text} of CoreDNS's autopath plugin is not modelled`,
        };
      }
      const search = searchPath(request, context);
      const [first] = search;
      if (first === undefined || !isInZone(question.name, first)) return yield* next(request);
      const base = question.name.slice(0, question.name.length - first.length);
      let firstServed: Served | undefined;
      for (const domain of search) {
        const name = absolute(`${base}${domain}`);
        const served = yield* next({ ...request, query: { ...request.query, question: { ...question, name } } });
        if (served.kind === "unknown") return served;
        firstServed ??= served;
        if (served.kind !== "reply" || served.message.rcode === "NXDOMAIN") continue;
        if (name !== question.name) request.note({ plugin: "autopath", text: `finds ${question.name} as ${name}` });
        const answer = withAlias(served.message.answer, question.name);
        return { kind: "reply", message: { ...served.message, question, answer } };
      }
      if (firstServed?.kind !== "reply") return firstServed ?? { kind: "failed", rcode: "SERVFAIL" };
      return { kind: "reply", message: { ...firstServed.message, question } };
    };
  },
};

/** kubernetes/autopath.go: the pod's namespace, the cluster's domains, and "" for the name as it is. */
function searchPath({ from }: DnsRequest, context: PluginContext): readonly string[] {
  const pod = from === undefined ? undefined : clusterZone(context.cluster()).podsWithAddress(formatAddress(from))[0];
  if (pod === undefined) return [];
  const domain = absolute(context.cluster().settings.clusterDomain);
  return [`${pod.metadata.namespace}.svc.${domain}`, `svc.${domain}`, domain, ""];
}

/** autopath/cname.go: the first record's owner is what the asked name is an alias of. */
function withAlias(answer: readonly DnsRecord[], asked: string): readonly DnsRecord[] {
  const found = answer.find((record) => record.type === "A" || record.type === "AAAA" || record.type === "CNAME");
  if (found === undefined || found.name.toLowerCase() === asked.toLowerCase()) return answer;
  return [{ name: asked, ttlSeconds: found.ttlSeconds, type: "CNAME", target: found.name }, ...answer];
}
