import type { NodePortAddresses } from "../proxy/node-port-addresses.ts";
import type { ProxyNode, ProxyOptions } from "../proxy/proxier.ts";
import { since } from "../cluster/release.ts";
import { formatAddress, isLoopback } from "../wire/address.ts";
import type { Match } from "./matches/index.ts";
import {
  accept,
  addressTerm,
  comment,
  conntrackState,
  counter,
  drop,
  jump,
  kubeProxy,
  localType,
  mark,
  returning,
} from "./proxier-terms.ts";
import type { SharedRule } from "./proxier-rules.ts";
import type { Command, Rule, TableName } from "./rule.ts";
import type { Target } from "./targets/index.ts";

/** A call of iptables(8). */
export interface Call {
  readonly table: TableName;
  readonly command: Command;
}

const portals = "kubernetes service portals";
const external = "kubernetes externally-visible service portals";
const firewall = "kubernetes load balancer firewall";

/** Jumps into kube-proxy's chains: iptablesJumpChains and iptablesKubeletJumpChains. */
const jumps: readonly {
  readonly table: TableName;
  readonly from: string;
  readonly to: string;
  readonly why?: string;
  /** Only for the first packets of a connection. */
  readonly onlyNew?: boolean;
}[] = [
  { table: "filter", from: "INPUT", to: "KUBE-EXTERNAL-SERVICES", why: external, onlyNew: true },
  { table: "filter", from: "FORWARD", to: "KUBE-EXTERNAL-SERVICES", why: external, onlyNew: true },
  { table: "filter", from: "INPUT", to: "KUBE-NODEPORTS", why: "kubernetes health check service ports" },
  { table: "filter", from: "FORWARD", to: "KUBE-SERVICES", why: portals, onlyNew: true },
  { table: "filter", from: "OUTPUT", to: "KUBE-SERVICES", why: portals, onlyNew: true },
  { table: "filter", from: "FORWARD", to: "KUBE-FORWARD", why: "kubernetes forwarding rules" },
  { table: "filter", from: "INPUT", to: "KUBE-PROXY-FIREWALL", why: firewall, onlyNew: true },
  { table: "filter", from: "OUTPUT", to: "KUBE-PROXY-FIREWALL", why: firewall, onlyNew: true },
  { table: "filter", from: "FORWARD", to: "KUBE-PROXY-FIREWALL", why: firewall, onlyNew: true },
  { table: "nat", from: "OUTPUT", to: "KUBE-SERVICES", why: portals },
  { table: "nat", from: "PREROUTING", to: "KUBE-SERVICES", why: portals },
  { table: "nat", from: "POSTROUTING", to: "KUBE-POSTROUTING", why: "kubernetes postrouting rules" },
  { table: "filter", from: "INPUT", to: "KUBE-FIREWALL" },
  { table: "filter", from: "OUTPUT", to: "KUBE-FIREWALL" },
];

/**
 * The calls of a full sync before the restore, on a fresh host: each chain is made when it is first needed, each
 * jump is prepended, so that a built-in chain holds them in reverse order.
 */
export function jumpCalls(): Call[] {
  const made = new Set<string>();
  return jumps.flatMap(({ table, from, to, why, onlyNew }): Call[] => {
    const matches = [
      ...(onlyNew === true ? [conntrackState(false, "NEW")] : []),
      ...(why === undefined ? [] : [comment(why)]),
    ];
    const insert = insertCall(table, from, { matches, target: jump(to), owner: kubeProxy });
    const key = `${table} ${to}`;
    if (made.has(key)) return [insert];
    made.add(key);
    return [{ table, command: { kind: "new-chain", chain: to } }, insert];
  });
}

export function insertCall(table: TableName, chain: string, rule: Rule): Call {
  return { table, command: { kind: "insert", chain, number: 1, rule } };
}

/** The shared chains of a table: their names, and the rules before and after those of the Services. */
export interface FixedRules {
  readonly chains: readonly string[];
  readonly first: readonly SharedRule[];
  readonly last: readonly SharedRule[];
}

/** A rule of kube-proxy itself. */
export function fixedRule(chain: string, matches: readonly Match[], target: Target): SharedRule {
  return { chain, rule: { matches, target, owner: kubeProxy } };
}

export function filterRules(options: ProxyOptions, localhost: boolean): FixedRules {
  const names = ["KUBE-SERVICES", "KUBE-EXTERNAL-SERVICES", "KUBE-FORWARD", "KUBE-NODEPORTS", "KUBE-PROXY-FIREWALL"];
  const bits = 2 ** options.masqueradeBit;
  const last = forwardRules(bits);
  // With liberal TCP tracking INVALID has another meaning.
  if (!options.liberalTcp) {
    const counted = options.release < since.nfacct ? [] : [counter("ct_state_invalid_dropped_pkts")];
    last.unshift(fixedRule("KUBE-FORWARD", [conntrackState(false, "INVALID"), ...counted], drop));
  }
  if (!localhost) return { chains: names, first: [], last };
  // CVE-2020-8558: route_localnet=1 would let neighbours in to services on 127.0.0.1.
  const martian = [
    comment("block incoming localnet connections"),
    addressTerm("destination", "127.0.0.0/8"),
    addressTerm("source", "127.0.0.0/8", true),
    conntrackState(true, "RELATED", "ESTABLISHED", "DNAT"),
  ];
  return {
    chains: [...names, "KUBE-FIREWALL"],
    first: [fixedRule("KUBE-FIREWALL", martian, drop)],
    last,
  };
}

/** KUBE-FORWARD lets marked and established traffic pass whatever the policy of FORWARD is. */
export function forwardRules(markBits: number): SharedRule[] {
  const why = comment("kubernetes forwarding conntrack rule");
  return [
    fixedRule("KUBE-FORWARD", [comment("kubernetes forwarding rules"), mark(markBits, false)], accept),
    fixedRule("KUBE-FORWARD", [why, conntrackState(false, "RELATED", "ESTABLISHED")], accept),
  ];
}

export function natRules(
  options: ProxyOptions,
  node: ProxyNode,
  nodePorts: NodePortAddresses,
  localhost: boolean,
): FixedRules {
  const names = ["KUBE-SERVICES", "KUBE-NODEPORTS", "KUBE-POSTROUTING", "KUBE-MARK-MASQ"];
  return {
    chains: names,
    first: masqueradeRules(options),
    last: nodePortJumps(options, node, nodePorts, localhost),
  };
}

/** KUBE-POSTROUTING masquerades what KUBE-MARK-MASQ marked, and clears the mark so that it does so once. */
export function masqueradeRules({ masqueradeBit, randomFully }: ProxyOptions): SharedRule[] {
  const bits = 2 ** masqueradeBit;
  const why = comment("kubernetes service traffic requiring SNAT");
  return [
    fixedRule("KUBE-POSTROUTING", [mark(bits, true)], returning),
    fixedRule("KUBE-POSTROUTING", [], { kind: "MARK", value: bits, mask: 0 }),
    fixedRule("KUBE-POSTROUTING", [why], randomFully ? { kind: "MASQUERADE", randomFully } : { kind: "MASQUERADE" }),
    fixedRule("KUBE-MARK-MASQ", [], { kind: "MARK", value: bits, mask: bits }),
  ];
}

/** The last rules of KUBE-SERVICES: on to the nodePorts. */
function nodePortJumps(
  { family }: ProxyOptions,
  node: ProxyNode,
  nodePorts: NodePortAddresses,
  localhost: boolean,
): SharedRule[] {
  const why = comment("kubernetes service nodeports; NOTE: this must be the last rule in this chain");
  const to = (...matches: readonly Match[]): SharedRule =>
    fixedRule("KUBE-SERVICES", [why, ...matches], jump("KUBE-NODEPORTS"));
  if (!nodePorts.matchAll) {
    return nodePorts
      .nodeAddresses(node.addresses.map(({ address }) => address))
      .filter((address) => localhost || !isLoopback(address))
      .map((address) => to(addressTerm("destination", formatAddress(address))));
  }
  if (family === "ipv6") return [to(localType("dst"), addressTerm("destination", "::1/128", true))];
  if (!localhost) return [to(localType("dst"), addressTerm("destination", "127.0.0.0/8", true))];
  return [to(localType("dst"))];
}
