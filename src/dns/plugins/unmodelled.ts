import { pluginOrder } from "../coredns/order.ts";
import type { DnsPlugin } from "../coredns/plugin.ts";
import { longestZone } from "../names.ts";
import { normaliseZone } from "./arguments.ts";

/** Plugins whose arguments, from this place on, are the zones they speak for. */
const zonesFrom: Readonly<Record<string, number>> = { secondary: 0, etcd: 0, k8s_external: 0, dnssec: 0 };

/** A plugin that is read and not modelled: whatever it would decide is unknown. */
function unmodelled(name: string): DnsPlugin {
  return {
    name,
    setup(directives) {
      const from = zonesFrom[name];
      const zones =
        from === undefined
          ? []
          : directives.flatMap(({ args }) => args.slice(from).flatMap((arg) => normaliseZone(arg.text)));
      return function* (request, next) {
        const concerned = zones.length === 0 || longestZone(request.query.question.name, zones) !== undefined;
        if (!concerned) return yield* next(request);
        return { kind: "unknown", reason: `CoreDNS's plugin ${name} is not modelled` };
      };
    },
  };
}

/** Stand-ins for the plugins of plugin.cfg that are not among the modelled ones. */
export function unmodelledPlugins(modelled: readonly DnsPlugin[]): readonly DnsPlugin[] {
  const known = new Set(modelled.map(({ name }) => name));
  return pluginOrder.filter((name) => !known.has(name)).map(unmodelled);
}
