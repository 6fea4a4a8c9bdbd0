import type { ClusterSettings } from "../../cluster/cluster.ts";
import { addressTerm, append, chainLine, comment, jump, localType, returning } from "../../iptables/proxier-terms.ts";
import type { Command, RestoreText } from "../../iptables/rule.ts";
import type { Owner } from "../../trace/records.ts";
import type { Family } from "../../wire/address.ts";
import { type Cidr, covers, formatCidr, parseCidr } from "../../wire/cidr.ts";

const owner: Owner = { kind: "Component", name: "ip-masq-agent" };
const chain = "IP-MASQ-AGENT";

/**
 * Masquerading of what leaves the cluster, in ip-masq-agent's layout (kubernetes-sigs/ip-masq-agent,
 * cmd/ip-masq-agent/ip-masq-agent.go): private and link-local destinations keep the pod's address, and so do the
 * cluster's pods where they have other addresses.
 */
export function ipMasqRules(settings: ClusterSettings, family: Family): RestoreText {
  const toAgent: Command = append("POSTROUTING", {
    matches: [
      comment(
        "ip-masq-agent: ensure nat POSTROUTING directs all non-LOCAL destination traffic to our custom IP-MASQ-AGENT chain",
      ),
      localType("dst", true),
    ],
    target: jump(chain),
    owner,
  });
  const kept = notMasqueraded(settings, family).map((block) =>
    append(chain, {
      matches: [
        addressTerm("destination", formatCidr(block)),
        comment("ip-masq-agent: local traffic is not subject to MASQUERADE"),
      ],
      target: returning,
      owner,
    }),
  );
  const masquerade = append(chain, {
    matches: [comment("ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)")],
    target: { kind: "MASQUERADE", randomFully: true },
    owner,
  });
  return { family, tables: [{ table: "nat", commands: [chainLine(chain), toAgent, ...kept, masquerade] }] };
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
