import type { TargetModule } from "./module.ts";

/** `-j REJECT --reject-with TYPE`: answers with an ICMP error or a TCP reset. */
export interface RejectTarget {
  readonly kind: "REJECT";
  /** The default is icmp-port-unreachable, icmp6-port-unreachable. Aliases are stored under their full name. */
  readonly with: RejectWith;
}

type RejectError =
  | "icmp-net-unreachable"
  | "icmp-host-unreachable"
  | "icmp-proto-unreachable"
  | "icmp-port-unreachable"
  | "icmp-net-prohibited"
  | "icmp-host-prohibited"
  | "icmp-admin-prohibited"
  | "icmp6-no-route"
  | "icmp6-adm-prohibited"
  | "icmp6-addr-unreachable"
  | "icmp6-port-unreachable"
  | "icmp6-policy-fail"
  | "icmp6-reject-route";

export type RejectWith = RejectError | "tcp-reset";

/** Type and code of the ICMP errors: include/uapi/linux/netfilter_ipv4/ipt_REJECT.h, ip6t_REJECT.h. */
export const rejectErrors: Readonly<Record<RejectError, readonly [type: number, code: number]>> = {
  "icmp-net-unreachable": [3, 0],
  "icmp-host-unreachable": [3, 1],
  "icmp-proto-unreachable": [3, 2],
  "icmp-port-unreachable": [3, 3],
  "icmp-net-prohibited": [3, 9],
  "icmp-host-prohibited": [3, 10],
  "icmp-admin-prohibited": [3, 13],
  "icmp6-no-route": [1, 0],
  "icmp6-adm-prohibited": [1, 1],
  "icmp6-addr-unreachable": [1, 3],
  "icmp6-port-unreachable": [1, 4],
  "icmp6-policy-fail": [1, 5],
  "icmp6-reject-route": [1, 6],
};

const aliases: Readonly<Record<string, RejectWith>> = {
  "net-unreach": "icmp-net-unreachable",
  "host-unreach": "icmp-host-unreachable",
  "proto-unreach": "icmp-proto-unreachable",
  "port-unreach": "icmp-port-unreachable",
  "net-prohib": "icmp-net-prohibited",
  "host-prohib": "icmp-host-prohibited",
  "admin-prohib": "icmp-admin-prohibited",
  "tcp-rst": "tcp-reset",
  "no-route": "icmp6-no-route",
  "adm-prohibited": "icmp6-adm-prohibited",
  "addr-unreach": "icmp6-addr-unreachable",
};

export const reject: TargetModule<RejectTarget> = {
  options: {
    "--reject-with"(draft, read) {
      const text = read.value();
      const own = Object.hasOwn(rejectErrors, text) || text === "tcp-reset" ? (text as RejectWith) : undefined;
      const kind =
        own ?? (read.family === "ipv6" && text === "port-unreach" ? "icmp6-port-unreachable" : aliases[text]);
      const fits = kind === "tcp-reset" || kind?.startsWith("icmp6") === (read.family === "ipv6");
      if (kind === undefined || !fits) return read.fail("BAD_REJECT", `${text} is not a reject type of this family`);
      draft.with = kind;
    },
  },
  start: (family) => ({ kind: "REJECT", with: family === "ipv4" ? "icmp-port-unreachable" : "icmp6-port-unreachable" }),
  print: (target) => `--reject-with ${target.with}`,
  run: () => "reject",
};
