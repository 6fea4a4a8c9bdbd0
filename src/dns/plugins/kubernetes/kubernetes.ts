import type { DnsPlugin, DnsRequest, Served } from "../../coredns/plugin.ts";
import { replyTo } from "../../message.ts";
import { longestZone } from "../../names.ts";
import { clusterZone } from "../../zone.ts";
import { fallsThrough } from "../arguments.ts";
import { Answerer } from "./answer.ts";
import { type KubernetesOptions, readOptions } from "./options.ts";
import { RecordFinder } from "./records.ts";

/**
 * `kubernetes [ZONES...] { ... }`: Services, headless Services, pods and reverse names of the cluster, as the
 * specification of Kubernetes DNS 1.1.0 and CoreDNS have it. Not modelled: `zonal`, `multicluster`, zone transfers.
 * CoreDNS plugin/kubernetes.
 */
export const kubernetes: DnsPlugin = {
  name: "kubernetes",
  setup(directives, context) {
    const [directive, second] = directives;
    if (directive === undefined) return undefined;
    if (second !== undefined) {
      context.problem("COREFILE_TWICE", second.name, "this plugin can only be used once per server block");
    }
    const options = readOptions(directive, context);

    return function* (request, next) {
      const { question } = request.query;
      const zone = longestZone(question.name, options.zones);
      if (zone === undefined) return yield* next(request);
      if (options.unmodelled !== undefined) return unmodelled(options.unmodelled);
      if (question.type === "AXFR" || question.type === "IXFR") return { kind: "failed", rcode: "REFUSED" };

      const asked = question.name.slice(question.name.length - zone.length);
      const finder = new RecordFinder(options, clusterZone(context.cluster()));
      const answerer = new Answerer(options, finder, context.localAddresses, context.lookup);
      const answer = yield* answerer.answer(request, asked);
      if (answer.kind === "unknown") return answer;
      if (answer.kind === "no-such-name") {
        if (fallsThrough(options.fallthrough, question.name)) {
          request.note(fallthroughNote(question.name));
          return yield* next(request);
        }
        // Before the informers have seen everything, "no such name" is not known yet.
        const rcode = context.synced() ? "NXDOMAIN" : "SERVFAIL";
        return reply(request, { rcode, authority: [answerer.soa(asked)] });
      }
      const { answer: records, additional } = answer;
      if (records.length === 0) return reply(request, { authority: [answerer.soa(asked)] });
      return reply(request, { answer: records, additional });
    };
  },
};

function reply(request: DnsRequest, fields: Partial<ReturnType<typeof replyTo>>): Served {
  return { kind: "reply", message: { ...replyTo(request.query), authoritative: true, ...fields } };
}

function unmodelled(option: NonNullable<KubernetesOptions["unmodelled"]>): Served {
  return { kind: "unknown", reason: `the option ${option} of CoreDNS's kubernetes plugin is not modelled` };
}

function fallthroughNote(name: string): { readonly plugin: string; readonly text: string } {
  return { plugin: "kubernetes", text: `the cluster has nothing by the name ${name}, and fallthrough hands it on` };
}
