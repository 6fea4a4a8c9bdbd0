import { expect, test } from "vitest";
import { type Iptables, createIptables } from "../../src/iptables/netns.ts";
import { printRuleset } from "../../src/iptables/print.ts";
import { applyPolicies } from "../../src/netpolicy/apply.ts";
import { compilePolicies } from "../../src/netpolicy/compile.ts";
import { namespaceNamed } from "../cni/namespaces.ts";
import { cluster, node, pod, policy, selector } from "./objects.ts";

const nodeA = node("node-a", "192.168.0.1", "10.244.0.0/24");
const web = pod("shop/web", "10.244.0.2");
const client = pod("shop/client", "10.244.0.3");
const deny = policy("shop/deny", {});
const letIn = policy("shop/let-in", { ingress: [{ peers: [{ podSelector: selector() }], ports: [] }] });

function sync(iptables: Iptables, parts: Parameters<typeof cluster>[0]): void {
  applyPolicies(iptables, "ipv4", compilePolicies(cluster({ nodes: [nodeA], ...parts }), nodeA, "ipv4"));
}

function state(iptables: Iptables): { readonly rules: string; readonly sets: readonly string[] } {
  return {
    rules: printRuleset(iptables.ruleset("ipv4")),
    sets: iptables.sets
      .sets()
      .map(({ name }) => name)
      .sort(),
  };
}

const kubeProxy = {
  family: "ipv4",
  tables: [
    {
      table: "filter",
      commands: [
        { kind: "chain", chain: "KUBE-FORWARD" },
        { kind: "append", chain: "FORWARD", rule: { matches: [], target: { kind: "jump", chain: "KUBE-FORWARD" } } },
      ],
    },
  ],
} as const;

test("a second sync of the same policies changes nothing", () => {
  const iptables = createIptables(namespaceNamed("node-a"));
  iptables.restore(kubeProxy);
  sync(iptables, { pods: [web, client], networkPolicies: [deny, letIn] });
  const first = state(iptables);
  sync(iptables, { pods: [web, client], networkPolicies: [deny, letIn] });
  expect(state(iptables)).toEqual(first);
});

test("policies and pods that are gone leave nothing behind", () => {
  const iptables = createIptables(namespaceNamed("node-a"));
  sync(iptables, { pods: [web], networkPolicies: [deny] });
  const before = state(iptables);
  sync(iptables, { pods: [web, client], networkPolicies: [deny, letIn] });
  expect(state(iptables)).not.toEqual(before);
  sync(iptables, { pods: [web], networkPolicies: [deny] });
  expect(state(iptables)).toEqual(before);
});

test("without policies the rules of others are all there is", () => {
  const iptables = createIptables(namespaceNamed("node-a"));
  iptables.restore(kubeProxy);
  const before = state(iptables);
  sync(iptables, { pods: [web], networkPolicies: [deny] });
  expect(state(iptables).rules).toContain("-j KUBE-ROUTER-FORWARD\n-A FORWARD -j KUBE-FORWARD");
  sync(iptables, { pods: [web] });
  expect(state(iptables)).toEqual(before);
});
