import type { ClusterSettings } from "../../cluster/cluster.ts";
import type { Match } from "../../iptables/matches/index.ts";
import type { Command, RestoreText, Rule } from "../../iptables/rule.ts";
import type { Owner } from "../../trace/records.ts";
import type { Family } from "../../wire/address.ts";
import { type Cidr, covers, parseCidr } from "../../wire/cidr.ts";

const owner: Owner = { kind: "Component", name: "ip-masq-agent" };
const chain = "IP-MASQ-AGENT";

/**
 * Masquerading of what leaves the cluster, in ip-masq-agent's layout (kubernetes-sigs/ip-masq-agent,
 * cmd/ip-masq-agent/ip-masq-agent.go): private and link-local destinations keep the pod's address, and so do the
 * cluster's pods where they have other addresses.
 */
export function ipMasqRules(settings: ClusterSettings, family: Family): RestoreText {
  const append = (to: string, rule: Rule): Command => ({ kind: "append", chain: to, rule: { ...rule, owner } });
  const notLocal: Match = { kind: "addrtype", dst: { types: ["LOCAL"], inverted: true } };
  const toAgent = append("POSTROUTING", {
    matches: [
      comment("ensure nat POSTROUTING directs all non-LOCAL destination traffic to our custom IP-MASQ-AGENT chain"),
      notLocal,
    ],
    target: { kind: "jump", chain },
  });
  const kept = notMasqueraded(settings, family).map((block) =>
    append(chain, {
      matches: [
        { kind: "destination", ...block, inverted: false },
        comment("local traffic is not subject to MASQUERADE"),
      ],
      target: { kind: "RETURN" },
    }),
  );
  const masquerade = append(chain, {
    matches: [comment("outbound traffic is subject to MASQUERADE (must be last in chain)")],
    target: { kind: "MASQUERADE", randomFully: true },
  });
  return { family, tables: [{ table: "nat", commands: [{ kind: "chain", chain }, toAgent, ...kept, masquerade] }] };
}

function comment(text: string): Match {
  return { kind: "comment", comment: `ip-masq-agent: ${text}` };
}

/** The agent's defaults: link-local first, then RFC 1918. */
const defaults: Readonly<Record<Family, readonly string[]>> = {
  ipv4: ["169.254.0.0/16", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"],
  ipv6: ["fe80::/10"],
};

function notMasqueraded(settings: ClusterSettings, family: Family): readonly Cidr[] {
  const usual = defaults[family].flatMap((text) => parseCidr(text) ?? []);
  const pods = settings.podCidrs
    .flatMap((text) => parseCidr(text) ?? [])
    .filter(({ base }) => (typeof base === "number") === (family === "ipv4"))
    .filter((block) => !usual.some((other) => covers(other, block)));
  return [...usual, ...pods];
}
