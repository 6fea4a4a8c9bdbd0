import { stateBits } from "../../iptables/matches/conntrack.ts";
import type { Match } from "../../iptables/matches/index.ts";
import { protocolByName } from "../../iptables/protocols.ts";
import type { Command, Rule } from "../../iptables/rule.ts";
import type { Target } from "../../iptables/targets/index.ts";
import type { Cidr } from "../../wire/cidr.ts";

/** The terms that kube-router's rules are made of. */

/** What a policy's rule, or the lack of policies, says of a packet: allowed in the direction that was asked about. */
export const allowedMark = 0x1_0000;
/** A pod's chain has let the packet pass. */
export const passedMark = 0x2_0000;

export const accept: Target = { kind: "ACCEPT" };
export const drop: Target = { kind: "DROP" };
export const returning: Target = { kind: "RETURN" };

export function jump(chain: string): Target {
  return { kind: "jump", chain };
}

export function setMark(bits: number): Target {
  return { kind: "MARK", value: bits, mask: bits };
}

export function clearMark(bits: number): Target {
  return { kind: "MARK", value: 0, mask: bits };
}

export function comment(text: string): Match {
  return { kind: "comment", comment: text };
}

export function marked(bits: number, inverted = false): Match {
  return { kind: "mark", value: bits, mask: bits, inverted };
}

export function local(side: "src" | "dst"): Match {
  return { kind: "addrtype", [side]: { types: ["LOCAL"], inverted: false } };
}

export function from(block: Cidr): Match {
  return { kind: "source", ...block, inverted: false };
}

export function to(block: Cidr): Match {
  return { kind: "destination", ...block, inverted: false };
}

export function protocol(name: "tcp" | "udp" | "sctp" | "icmp" | "icmpv6"): Match {
  return { kind: "protocol", number: protocolByName(name) as number, inverted: false };
}

export function inState(...states: readonly (keyof typeof stateBits)[]): Match {
  return {
    kind: "conntrack",
    states: { bits: states.reduce((bits, state) => bits | stateBits[state], 0), inverted: false },
  };
}

export function append(chain: string, rule: Rule): Command {
  return { kind: "append", chain, rule };
}

export function chainLine(chain: string): Command {
  return { kind: "chain", chain };
}
