import type { Match } from "../../iptables/matches/index.ts";
import type { Command } from "../../iptables/rule.ts";
import type { Target } from "../../iptables/targets/index.ts";
import type { Owner } from "../../trace/records.ts";
import type { Family } from "../../wire/address.ts";
import { type Cidr, formatCidr } from "../../wire/cidr.ts";
import { commonChain, defaultChain, routerChains, ruleCode, tailChain } from "./names.ts";
import {
  accept,
  allowedMark,
  append,
  comment,
  drop,
  inState,
  jump,
  local,
  marked,
  passedMark,
  protocol,
  returning,
  setMark,
  to,
} from "./terms.ts";

/*
 * The chains that do not depend on pods or policies: pkg/controllers/netpol/npc_iptables.go.
 *
 *   INPUT, FORWARD, OUTPUT ─1st─▶ KUBE-ROUTER-* ─▶ a pod's chain ─▶ policy chains (mark 0x10000: allowed)
 *                                      └─ last ─▶ KUBE-NWPLCY-TAIL (mark 0x20000: both pods' chains agreed)
 */

export const kubeRouter: Owner = { kind: "Component", name: "kube-router" };

/** The jumps from the built-in chains, each at position 1: before whatever was there. */
export function builtinJumps(): readonly Command[] {
  return Object.entries(routerChains).map(([builtin, chain]) => {
    const text = "kube-router netpol";
    const code = ruleCode(builtin, ["-m", "comment", "--comment", text, "-j", chain]);
    const rule = { matches: [comment(`${text} - ${code}`)], target: jump(chain), owner: kubeRouter };
    return { kind: "insert", chain: builtin, number: 1, rule };
  });
}

/**
 * The head of KUBE-ROUTER-INPUT: packets to Service addresses and node ports that reach INPUT are not for a policy to
 * judge (with IPVS they come this way).
 */
export function inputHead(serviceCidrs: readonly Cidr[], nodePorts: NodePortRange): readonly Command[] {
  const chain = routerChains.INPUT;
  const ports = `${nodePorts.first}:${nodePorts.last}`;
  const ranges = serviceCidrs.map((cidr) => {
    const text = "allow traffic to primary/secondary cluster IP range";
    const code = ruleCode(chain, ["-m", "comment", "--comment", text, "-d", formatCidr(cidr), "-j", "RETURN"]);
    return [to(cidr), comment(`${text} - ${code}`)];
  });
  const locals = (["tcp", "udp", "sctp"] as const).map((name): Match[] => {
    const text = `allow LOCAL ${name.toUpperCase()} traffic to node ports`;
    const args = ["-p", name, "-m", "comment", "--comment", text, "-m", "addrtype", "--dst-type", "LOCAL"];
    const code = ruleCode(chain, [...args, "-m", "multiport", "--dports", ports, "-j", "RETURN"]);
    return [
      protocol(name),
      comment(`${text} - ${code}`),
      local("dst"),
      {
        kind: "multiport",
        side: "destination",
        ports: [{ from: nodePorts.first, to: nodePorts.last }],
        inverted: false,
      },
    ];
  });
  return [...ranges, ...locals].map((matches) => append(chain, { matches, target: returning, owner: kubeRouter }));
}

export interface NodePortRange {
  readonly first: number;
  readonly last: number;
}

/** The end of every KUBE-ROUTER chain. */
export function routerTails(): readonly Command[] {
  return Object.values(routerChains).flatMap((chain) => [
    append(chain, {
      matches: [comment("rule to explicitly handle traffic for network policies ACCEPT/REJECT decision")],
      target: jump(tailChain),
      owner: kubeRouter,
    }),
    append(chain, {
      matches: [comment("rule to explicitly ACCEPT traffic that comply to network policies"), marked(passedMark)],
      target: accept,
      owner: kubeRouter,
    }),
  ]);
}

/** KUBE-NWPLCY-COMMON, -DEFAULT and -TAIL. */
export function sharedChains(family: Family): readonly Command[] {
  const common = (matches: readonly Match[], target: Target): Command =>
    append(commonChain, { matches, target, owner: kubeRouter });
  return [
    common([comment("rule to drop invalid state for pod"), inState("INVALID")], drop),
    common([comment("rule for stateful firewall for pod"), inState("RELATED", "ESTABLISHED")], accept),
    ...icmpTypes[family].map(([type, what]) =>
      common(
        [
          protocol(family === "ipv4" ? "icmp" : "icmpv6"),
          comment(`allow icmp ${what}`),
          {
            kind: family === "ipv4" ? "icmp" : "icmp6",
            type,
            // A type that has codes stands for all of them (iptables' icmp_codes table).
            firstCode: 0,
            lastCode: 255,
            inverted: false,
          },
        ],
        accept,
      ),
    ),
    append(defaultChain, {
      matches: [comment("rule to mark traffic matching a network policy")],
      target: setMark(allowedMark),
      owner: kubeRouter,
    }),
    append(tailChain, {
      matches: [comment("accept netpol-ok"), marked(passedMark)],
      target: accept,
      owner: kubeRouter,
    }),
  ];
}

/** What is let through whatever the policies say: pkg/utils/iptables.go, CommonICMPRules. */
const icmpTypes: Readonly<Record<Family, readonly (readonly [number, string])[]>> = {
  ipv4: [
    [8, "echo requests"],
    [3, "destination unreachable messages"],
    [11, "time exceeded messages"],
  ],
  ipv6: [
    [128, "echo requests"],
    [1, "destination unreachable messages"],
    [3, "time exceeded messages"],
    [135, "neighbor solicitation messages"],
    [136, "neighbor advertisement messages"],
    [129, "echo reply messages"],
  ],
};
