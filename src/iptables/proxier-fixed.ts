import type { NodePortAddresses } from "../proxy/node-port-addresses.ts";
import type { ProxyNode, ProxyOptions } from "../proxy/proxier.ts";
import { formatAddress, isLoopback } from "../wire/address.ts";
import type { Match } from "./matches/index.ts";
import {
  accept,
  addressTerm,
  append,
  chainLine,
  comment,
  conntrackState,
  drop,
  jump,
  kubeProxy,
  localType,
  mark,
  returning,
} from "./proxier-terms.ts";
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

/** The fixed chains: their chain lines, and the rules before and after those of the Services. */
export interface FixedRules {
  readonly chains: readonly Command[];
  readonly first: readonly Command[];
  readonly last: readonly Command[];
}

const owned = (matches: readonly Match[], target: Target): Rule => ({ matches, target, owner: kubeProxy });

export function filterRules(options: ProxyOptions, localhost: boolean): FixedRules {
  const names = ["KUBE-SERVICES", "KUBE-EXTERNAL-SERVICES", "KUBE-FORWARD", "KUBE-NODEPORTS", "KUBE-PROXY-FIREWALL"];
  const bits = 2 ** options.masqueradeBit;
  const last = forwardRules(bits);
  // With liberal TCP tracking INVALID has another meaning.
  if (!options.liberalTcp) last.unshift(append("KUBE-FORWARD", owned([conntrackState(false, "INVALID")], drop)));
  if (!localhost) return { chains: names.map(chainLine), first: [], last };
  // CVE-2020-8558: route_localnet=1 would let neighbours in to services on 127.0.0.1.
  const martian = [
    comment("block incoming localnet connections"),
    addressTerm("destination", "127.0.0.0/8"),
    addressTerm("source", "127.0.0.0/8", true),
    conntrackState(true, "RELATED", "ESTABLISHED", "DNAT"),
  ];
  return {
    chains: [...names, "KUBE-FIREWALL"].map(chainLine),
    first: [append("KUBE-FIREWALL", owned(martian, drop))],
    last,
  };
}

/** KUBE-FORWARD lets marked and established traffic pass whatever the policy of FORWARD is. */
export function forwardRules(markBits: number): Command[] {
  return [
    append("KUBE-FORWARD", owned([comment("kubernetes forwarding rules"), mark(markBits, false)], accept)),
    append(
      "KUBE-FORWARD",
      owned([comment("kubernetes forwarding conntrack rule"), conntrackState(false, "RELATED", "ESTABLISHED")], accept),
    ),
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
    chains: names.map(chainLine),
    first: masqueradeRules(options),
    last: nodePortJumps(options, node, nodePorts, localhost),
  };
}

/** KUBE-POSTROUTING masquerades what KUBE-MARK-MASQ marked, and clears the mark so that it does so once. */
export function masqueradeRules(options: ProxyOptions): Command[] {
  const bits = 2 ** options.masqueradeBit;
  return [
    append("KUBE-POSTROUTING", owned([mark(bits, true)], returning)),
    append("KUBE-POSTROUTING", owned([], { kind: "MARK", value: bits, mask: 0 })),
    append(
      "KUBE-POSTROUTING",
      owned(
        [comment("kubernetes service traffic requiring SNAT")],
        options.randomFully ? { kind: "MASQUERADE", randomFully: true } : { kind: "MASQUERADE" },
      ),
    ),
    append("KUBE-MARK-MASQ", owned([], { kind: "MARK", value: bits, mask: bits })),
  ];
}

/** The last rules of KUBE-SERVICES: on to the nodePorts. */
function nodePortJumps(
  { family }: ProxyOptions,
  node: ProxyNode,
  nodePorts: NodePortAddresses,
  localhost: boolean,
): Command[] {
  const why = comment("kubernetes service nodeports; NOTE: this must be the last rule in this chain");
  const to = (...matches: readonly Match[]): Command =>
    append("KUBE-SERVICES", owned([why, ...matches], jump("KUBE-NODEPORTS")));
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
