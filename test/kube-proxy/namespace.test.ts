import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { applyRestore, emptyRuleset } from "../../src/iptables/apply.ts";
import { createIptables } from "../../src/iptables/netns.ts";
import { parseRestore } from "../../src/iptables/parse.ts";
import { printRule } from "../../src/iptables/print-rule.ts";
import { applyToNamespace } from "../../src/iptables/proxier-apply.ts";
import { iptablesProxier } from "../../src/iptables/proxier.ts";
import type { Ruleset } from "../../src/iptables/rule.ts";
import { cidrDetector } from "../../src/proxy/local-detector.ts";
import { proxyOptions } from "../../src/proxy/proxier.ts";
import { type Family, address } from "../../src/wire/address.ts";
import { emptyNamespace } from "./namespaces.ts";
import { kernelInput } from "./recorded.ts";

const root = new URL("../referee/kernel/", import.meta.url);

/** kube-proxy's chains, and the jumps into them from the built-in ones. */
function kubeChains(ruleset: Ruleset): Record<string, string[]> {
  const chains: Record<string, string[]> = {};
  for (const name of ["filter", "nat"] as const) {
    for (const [chain, { rules }] of ruleset.tables.get(name)?.chains ?? []) {
      if (chain === "IP-MASQ-AGENT") continue;
      const lines = rules.map((rule) => printRule(rule, ruleset.family));
      chains[`${name} ${chain}`] = chain.startsWith("KUBE-")
        ? lines
        : lines.filter((line) => line.includes("-j KUBE-"));
    }
  }
  return chains;
}

interface NodeCase {
  readonly name: string;
  readonly node: string;
  readonly ip: string;
  readonly family: Family;
  readonly podCidr: string;
}

// The topologies of the kernel cases hold what the real kube-proxy wrote for their input.json, as iptables-save shows it.
test.each<NodeCase>([
  { name: "kp-iptables", node: "node1", ip: "172.18.0.2", family: "ipv4", podCidr: "10.244.0.0/16" },
  { name: "kp-iptables", node: "node2", ip: "172.18.0.3", family: "ipv4", podCidr: "10.244.0.0/16" },
  { name: "mtu", node: "node1", ip: "172.18.0.2", family: "ipv4", podCidr: "10.244.0.0/16" },
  { name: "mtu", node: "node2", ip: "172.18.0.3", family: "ipv4", podCidr: "10.244.0.0/16" },
  { name: "ipv6", node: "node1", ip: "fd00:172:18::2", family: "ipv6", podCidr: "fd00:10:244::/48" },
  { name: "ipv6", node: "node2", ip: "fd00:172:18::3", family: "ipv6", podCidr: "fd00:10:244::/48" },
])("$name/$node holds the rules that kube-proxy wrote there", ({ name, node, ip, family, podCidr }) => {
  const file = new URL(`${name}/topology/${node}/${family === "ipv4" ? "iptables" : "ip6tables"}`, root);
  expect(existsSync(file)).toBe(true);
  const recorded = applyRestore(emptyRuleset(family), parseRestore(readFileSync(file, "utf8"), { family }));
  const { objects, nodeLabels: labels } = kernelInput(name, node);
  const namespace = emptyNamespace(node);
  const iptables = createIptables(namespace);
  const { commands } = iptablesProxier.sync(
    objects,
    { name: node, labels, nodeIPs: { [family]: address(ip) }, addresses: [{ device: "eth0", address: address(ip) }] },
    proxyOptions({ family, detector: cidrDetector([podCidr], family) }),
  );
  applyToNamespace(commands, namespace, iptables);
  expect(kubeChains(iptables.ruleset(family))).toEqual(kubeChains(recorded));
  // A second time everything is there already.
  applyToNamespace(commands, namespace, iptables);
  expect(kubeChains(iptables.ruleset(family))).toEqual(kubeChains(recorded));
});
