import { hex2, readClass } from "../dscp.ts";
import { type MatchModule, printOption } from "./module.ts";

/** `-m dscp`: the upper six bits of TOS or traffic class. */
export interface DscpMatch {
  readonly kind: "dscp";
  readonly value: number;
  readonly inverted: boolean;
}

export const dscp: MatchModule<DscpMatch> = {
  options: {
    "--dscp": (draft, read) => void Object.assign(draft, { inverted: read.inverted(), value: read.number(0, 63) }),
    "--dscp-class": (draft, read) => void Object.assign(draft, { inverted: read.inverted(), value: readClass(read) }),
  },
  start: () => ({ kind: "dscp" }),
  finish({ value, inverted }, read) {
    if (value === undefined || inverted === undefined)
      return read.fail("MISSING_OPTION", "-m dscp needs --dscp or --dscp-class");
    return { kind: "dscp", value, inverted };
  },
  print: (match) => printOption(match.inverted, "--dscp", hex2(match.value)),
  matches: (match, { state }) => ((state.skb.packet.tos ?? 0) >> 2 === match.value) !== match.inverted,
  explain: (match, { state }) => ({ term: dscp.print(match), packet: hex2((state.skb.packet.tos ?? 0) >> 2) }),
};
