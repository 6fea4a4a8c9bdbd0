import type { BuiltNamespace } from "./build.ts";
import { type FlowKeys, localEndKey } from "./linux-sockets.ts";
import type { TracedPacket } from "./linux-record.ts";

/** Datagrams of one socket, each with a key of its own, that may open a connection. */
const mostDatagrams = 8;

/** Chance in the engine takes the branches that Linux took: for each `-m statistic` rule and conversation, match or not. */
export function pinsOf(
  built: readonly BuiltNamespace[],
  traced: ReadonlyMap<string, readonly TracedPacket[]>,
  flowKeys: FlowKeys,
): Readonly<Record<string, number>> {
  const taken = new Set<string>();
  for (const [namespace, packets] of traced) {
    for (const { packet, matched } of packets) {
      const { protocol, src, srcPort, ident } = packet;
      const key = flowKeys.get(localEndKey(protocol === "icmpv6" ? "icmp" : protocol, src, srcPort ?? ident ?? 0));
      if (key === undefined) continue;
      for (const { table, chain, rule } of matched) taken.add(`${namespace}/${table}/${chain}/${rule}/${key}`);
    }
  }
  const pins: Record<string, number> = Object.create(null) as Record<string, number>;
  for (const place of chancePlaces(built)) {
    for (const key of flowKeys.values()) {
      const option = taken.has(`${place}/${key}`) ? 0 : 1;
      pins[`${place}/${key}`] = option;
      for (let datagram = 2; datagram <= mostDatagrams; datagram++) pins[`${place}/${key}#${datagram}`] = option;
    }
  }
  return pins;
}

/** `namespace/table/chain/rule` of the rules that decide by chance. */
function chancePlaces(built: readonly BuiltNamespace[]): string[] {
  return built.flatMap(({ ns, iptables }) =>
    (["ipv4", "ipv6"] as const).flatMap((family) =>
      [...(iptables?.ruleset(family).tables.values() ?? [])].flatMap((table) =>
        [...table.chains.values()].flatMap((chain) =>
          chain.rules.flatMap(({ matches }, index) =>
            matches.some((match) => match.kind === "statistic" && match.mode === "random")
              ? [`${ns.name}/${table.name}/${chain.name}/${index + 1}`]
              : [],
          ),
        ),
      ),
    ),
  );
}
