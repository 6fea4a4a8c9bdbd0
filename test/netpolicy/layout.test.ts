import { describe, expect, test } from "vitest";
import { printRule } from "../../src/iptables/print-rule.ts";
import { compilePolicies } from "../../src/netpolicy/compile.ts";
import { podChainName } from "../../src/netpolicy/kube-router/names.ts";
import { cluster, node, pod, policy, selector } from "./objects.ts";

/*
 * Lines that real nodes printed (k3s, whose network policy controller is kube-router): `iptables-save` in
 * https://github.com/k3s-io/k3s/issues/3373, and the codes in comments, which are hashes of the rule, as in every
 * k3s node's listing. Chain names hold the time of the sync: POD stands for the pod's.
 */

const nodeA = node("node-a", "192.168.0.1", "10.42.0.0/24");
const traefik = pod("kube-system/svclb-traefik-cfg4z", "10.42.0.8");
const elsewhere = policy("other/p", {});

function linesOf(parts: Parameters<typeof cluster>[0]): string[] {
  const all = cluster({ nodes: [nodeA], pods: [traefik], networkPolicies: [elsewhere], ...parts });
  const compiled = compilePolicies(all, nodeA, "ipv4");
  const names = new Map(all.pods.map(({ metadata }) => [podChainName(metadata.namespace, metadata.name), "POD"]));
  return (compiled?.rules.tables[0]?.commands ?? []).flatMap((command) => {
    if (command.kind !== "append" && command.kind !== "insert") return [];
    const line = `-A ${command.chain} ${printRule(command.rule, "ipv4")}`;
    return line.replaceAll(/KUBE-POD-FW-\w+/g, (name) => names.get(name) ?? name);
  });
}

describe("the lines of a real node", () => {
  const lines = linesOf({});

  test("the chain of a pod that no policy selects", () => {
    expect(lines.filter((line) => line.startsWith("-A POD")).slice(1)).toEqual([
      `-A POD -d 10.42.0.8/32 -m comment --comment "rule to permit the traffic traffic to pods when source is the pod\\'s local node" -m addrtype --src-type LOCAL -j ACCEPT`,
      `-A POD -s 10.42.0.8/32 -m comment --comment "run through default egress network policy  chain" -j KUBE-NWPLCY-DEFAULT`,
      `-A POD -d 10.42.0.8/32 -m comment --comment "run through default ingress network policy  chain" -j KUBE-NWPLCY-DEFAULT`,
      `-A POD -m comment --comment "rule to log dropped traffic POD name:svclb-traefik-cfg4z namespace: kube-system" -m mark ! --mark 0x10000/0x10000 -m limit --limit 10/min --limit-burst 10 -j NFLOG --nflog-group 100`,
      `-A POD -m comment --comment "rule to REJECT traffic destined for POD name:svclb-traefik-cfg4z namespace: kube-system" -m mark ! --mark 0x10000/0x10000 -j REJECT --reject-with icmp-port-unreachable`,
      `-A POD -j MARK --set-xmark 0x0/0x10000`,
      `-A POD -m comment --comment "set mark to ACCEPT traffic that comply to network policies" -j MARK --set-xmark 0x20000/0x20000`,
    ]);
  });

  test.for([
    `-A INPUT -m comment --comment "kube-router netpol - 4IA2OSFRMVNDXBVV" -j KUBE-ROUTER-INPUT`,
    `-A FORWARD -m comment --comment "kube-router netpol - TEMCG2JMHZYE7H7T" -j KUBE-ROUTER-FORWARD`,
    `-A OUTPUT -m comment --comment "kube-router netpol - VEAAIY32XVBHCSCY" -j KUBE-ROUTER-OUTPUT`,
    `-A KUBE-ROUTER-INPUT -p tcp -m comment --comment "allow LOCAL TCP traffic to node ports - LR7XO7NXDBGQJD2M" -m addrtype --dst-type LOCAL -m multiport --dports 30000:32767 -j RETURN`,
    `-A KUBE-ROUTER-INPUT -p udp -m comment --comment "allow LOCAL UDP traffic to node ports - 76UCBPIZNGJNWNUZ" -m addrtype --dst-type LOCAL -m multiport --dports 30000:32767 -j RETURN`,
    `-A KUBE-ROUTER-FORWARD -s 10.42.0.8/32 -m physdev --physdev-is-bridged -m comment --comment "rule to jump traffic from POD name:svclb-traefik-cfg4z namespace: kube-system to chain POD" -j POD`,
    `-A KUBE-ROUTER-INPUT -m comment --comment "rule to explicitly ACCEPT traffic that comply to network policies" -m mark --mark 0x20000/0x20000 -j ACCEPT`,
  ])("%s", (line) => {
    expect(lines).toContain(line);
  });
});

test("without policies nothing is programmed", () => {
  expect(compilePolicies(cluster({ nodes: [nodeA], pods: [traefik] }), nodeA, "ipv4")).toBeUndefined();
});

test("rules know the part of the policy that they come from, and a reject all policies that select the pod", () => {
  const deny = policy("shop/default-deny", { policyTypes: ["Ingress", "Egress"] });
  const letIn = policy("shop/let-in", { ingress: [{ peers: [{ podSelector: selector() }], ports: [] }] });
  const all = cluster({ nodes: [nodeA], pods: [pod("shop/web", "10.42.0.9")], networkPolicies: [deny, letIn] });
  const owners = (compilePolicies(all, nodeA, "ipv4")?.rules.tables[0]?.commands ?? []).flatMap((command) =>
    command.kind === "append" ? [{ target: command.rule.target?.kind, ...command.rule.owner }] : [],
  );
  expect(owners).toContainEqual({
    target: "MARK",
    kind: "NetworkPolicy",
    namespace: "shop",
    name: "let-in",
    detail: "spec.ingress[0]",
  });
  expect(owners).toContainEqual({
    target: "REJECT",
    kind: "NetworkPolicy",
    namespace: "shop",
    name: "default-deny",
    detail:
      "which selects shop/web for Ingress and Egress, as shop/let-in does for Ingress; no rule of theirs allows the packet",
  });
});
