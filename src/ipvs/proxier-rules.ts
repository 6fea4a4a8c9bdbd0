import { type Call, fixedRule, forwardRules, insertCall, masqueradeRules } from "../iptables/proxier-fixed.ts";
import type { SharedRule } from "../iptables/proxier-rules.ts";
import {
  accept,
  addressTerm,
  comment,
  conntrackState,
  detectorTerms,
  drop,
  inSet,
  jump,
  kubeProxy,
  localType,
  markMasquerade,
  onlyProtocol,
  reject,
  returning,
} from "../iptables/proxier-terms.ts";
import type { Match } from "../iptables/matches/index.ts";
import type { TableName } from "../iptables/rule.ts";
import type { Target } from "../iptables/targets/index.ts";
import type { Protocol } from "../cluster/objects.ts";
import type { ProxyOptions } from "../proxy/proxier.ts";
import { type SetId, setName, sets } from "./proxier-sets.ts";

export const natChains: readonly string[] = [
  "KUBE-SERVICES",
  "KUBE-POSTROUTING",
  "KUBE-NODE-PORT",
  "KUBE-LOAD-BALANCER",
  "KUBE-MARK-MASQ",
];

export const filterChains: readonly string[] = [
  "KUBE-FORWARD",
  "KUBE-NODE-PORT",
  "KUBE-PROXY-FIREWALL",
  "KUBE-SOURCE-RANGES-FIREWALL",
  "KUBE-IPVS-FILTER",
  "KUBE-IPVS-OUT-FILTER",
];

const firewall = "kube-proxy firewall rules";
const access = "kubernetes ipvs access filter";

const jumps: readonly {
  readonly table: TableName;
  readonly from: string;
  readonly to: string;
  readonly why: string;
}[] = [
  { table: "nat", from: "OUTPUT", to: "KUBE-SERVICES", why: "kubernetes service portals" },
  { table: "nat", from: "PREROUTING", to: "KUBE-SERVICES", why: "kubernetes service portals" },
  { table: "nat", from: "POSTROUTING", to: "KUBE-POSTROUTING", why: "kubernetes postrouting rules" },
  { table: "filter", from: "FORWARD", to: "KUBE-FORWARD", why: "kubernetes forwarding rules" },
  { table: "filter", from: "INPUT", to: "KUBE-NODE-PORT", why: "kubernetes health check rules" },
  { table: "filter", from: "INPUT", to: "KUBE-PROXY-FIREWALL", why: firewall },
  { table: "filter", from: "FORWARD", to: "KUBE-PROXY-FIREWALL", why: firewall },
  { table: "filter", from: "INPUT", to: "KUBE-IPVS-FILTER", why: access },
  { table: "filter", from: "OUTPUT", to: "KUBE-IPVS-OUT-FILTER", why: access },
];

/** On a fresh host: all chains, then the jumps, each prepended. createAndLinkKubeChain. */
export function jumpCalls(): Call[] {
  const make = (table: TableName, chains: readonly string[]): Call[] =>
    chains.map((chain) => ({ table, command: { kind: "new-chain", chain } }));
  const link = jumps.map(({ table, from, to, why }) =>
    insertCall(table, from, { matches: [comment(why)], target: jump(to), owner: kubeProxy }),
  );
  return [...make("nat", natChains), ...make("filter", filterChains), ...link];
}

/** Rules that look into a set, written where it has members. ipsetWithIptablesChain. */
const setRules: readonly {
  readonly set: SetId;
  readonly table: "nat" | "filter";
  readonly chain: string;
  readonly target: Target;
  readonly flags: readonly ("src" | "dst")[];
  readonly protocol?: Protocol;
}[] = [
  {
    set: "loopBack",
    table: "nat",
    chain: "KUBE-POSTROUTING",
    target: { kind: "MASQUERADE" },
    flags: ["dst", "dst", "src"],
  },
  {
    set: "loadBalancer",
    table: "nat",
    chain: "KUBE-SERVICES",
    target: jump("KUBE-LOAD-BALANCER"),
    flags: ["dst", "dst"],
  },
  { set: "loadBalancerLocal", table: "nat", chain: "KUBE-LOAD-BALANCER", target: returning, flags: ["dst", "dst"] },
  ...nodePortRules("TCP", "nodePortTcp", "nodePortLocalTcp", ["dst"]),
  ...nodePortRules("UDP", "nodePortUdp", "nodePortLocalUdp", ["dst"]),
  ...nodePortRules("SCTP", "nodePortSctp", "nodePortLocalSctp", ["dst", "dst"]),
  {
    set: "loadBalancerFirewall",
    table: "filter",
    chain: "KUBE-PROXY-FIREWALL",
    target: jump("KUBE-SOURCE-RANGES-FIREWALL"),
    flags: ["dst", "dst"],
  },
  {
    set: "loadBalancerSourceCidr",
    table: "filter",
    chain: "KUBE-SOURCE-RANGES-FIREWALL",
    target: returning,
    flags: ["dst", "dst", "src"],
  },
  {
    set: "loadBalancerSourceIP",
    table: "filter",
    chain: "KUBE-SOURCE-RANGES-FIREWALL",
    target: returning,
    flags: ["dst", "dst", "src"],
  },
];

function nodePortRules(
  protocol: Protocol,
  plain: SetId,
  local: SetId,
  flags: readonly ("src" | "dst")[],
): (typeof setRules)[number][] {
  return [
    { set: local, table: "nat", chain: "KUBE-NODE-PORT", target: returning, flags, protocol },
    { set: plain, table: "nat", chain: "KUBE-NODE-PORT", target: markMasquerade, flags, protocol },
  ];
}

/** pkg/proxy/ipvs/proxier.go (writeIptablesRules). The text depends on which sets have members, not on the members. */
export function writeRules(
  options: ProxyOptions,
  hasMembers: (set: SetId) => boolean,
  outFilter: readonly SharedRule[],
): { readonly nat: readonly SharedRule[]; readonly filter: readonly SharedRule[] } {
  const { family } = options;
  const rules: Record<"nat" | "filter", SharedRule[]> = { nat: [], filter: [] };
  const members = (set: SetId, ...flags: readonly ("src" | "dst")[]): Match => inSet(setName(set, family), ...flags);
  const why = (set: SetId): Match => comment(sets[set].comment);
  const services = (matches: readonly Match[], target: Target): void =>
    void rules.nat.push(fixedRule("KUBE-SERVICES", matches, target));

  services([addressTerm("source", family === "ipv4" ? "127.0.0.0/8" : "::1/128")], returning);
  for (const { set, table, chain, target, flags, protocol } of setRules) {
    if (!hasMembers(set)) continue;
    const first = protocol === undefined ? [] : [onlyProtocol(protocol)];
    rules[table].push(fixedRule(chain, [...first, why(set), members(set, ...flags)], target));
  }
  if (hasMembers("clusterIP")) {
    const detector = detectorTerms(options.detector);
    if (options.masqueradeAll) services([why("clusterIP"), members("clusterIP", "dst", "dst")], markMasquerade);
    else if (detector !== undefined) {
      services([why("clusterIP"), members("clusterIP", "dst", "dst"), detector.notLocal], markMasquerade);
    } else services([why("clusterIP"), members("clusterIP", "src", "dst")], markMasquerade);
  }
  for (const set of ["externalIP", "externalIPLocal"] as const) {
    if (!hasMembers(set)) continue;
    const match = [why(set), members(set, "dst", "dst")];
    if (set === "externalIP") services(match, markMasquerade);
    // Traffic of local pods goes the ordinary way; what comes from outside or is meant for the node ends here.
    services([...match, { kind: "physdev", isIn: { inverted: true } }, localType("src", true)], accept);
    services([...match, localType("dst")], accept);
  }
  services([localType("dst")], jump("KUBE-NODE-PORT"));
  rules.nat.push(fixedRule("KUBE-LOAD-BALANCER", [], markMasquerade));
  rules.filter.push(fixedRule("KUBE-SOURCE-RANGES-FIREWALL", [], drop), ...outFilter);
  for (const set of ["clusterIP", "loadBalancer"] as const) {
    if (hasMembers(set)) services([members(set, "dst", "dst")], accept);
  }
  rules.nat.push(...masqueradeRules(options));
  rules.filter.push(...forwardRules(2 ** options.masqueradeBit), ...accessRules(options));
  return rules;
}

/** What may reach an address of kube-ipvs0, which is local: its service ports, and nothing else. */
function accessRules({ family }: ProxyOptions): SharedRule[] {
  const members = (set: SetId, ...flags: readonly "dst"[]): Match => inSet(setName(set, family), ...flags);
  const ports = ["loadBalancer", "clusterIP", "externalIP", "externalIPLocal"] as const;
  const healthCheck = members("healthCheck", "dst");
  return [
    fixedRule("KUBE-NODE-PORT", [comment(sets.healthCheck.comment), healthCheck], accept),
    ...ports.map((set) => fixedRule("KUBE-IPVS-FILTER", [members(set, "dst", "dst")], returning)),
    fixedRule("KUBE-IPVS-FILTER", [healthCheck], returning),
    fixedRule("KUBE-IPVS-FILTER", [conntrackState(false, "NEW"), members("ipvsIPs", "dst")], reject(family)),
  ];
}
