import { hex2, readTos } from "../dscp.ts";
import { type MatchModule, printOption } from "./module.ts";

/** `-m tos --tos VALUE/MASK`: TOS or traffic class. */
export interface TosMatch {
  readonly kind: "tos";
  readonly value: number;
  readonly mask: number;
  readonly inverted: boolean;
}

export const tos: MatchModule<TosMatch> = {
  options: { "--tos": (draft, read) => void Object.assign(draft, { inverted: read.inverted(), ...readTos(read) }) },
  start: () => ({ kind: "tos" }),
  finish({ value, mask, inverted }, read) {
    if (value === undefined || mask === undefined || inverted === undefined) {
      return read.fail("MISSING_OPTION", "-m tos needs --tos");
    }
    return { kind: "tos", value, mask, inverted };
  },
  print: ({ value, mask, inverted }) => printOption(inverted, "--tos", `${hex2(value)}/${hex2(mask)}`),
  matches: ({ value, mask, inverted }, { state }) => (((state.skb.packet.tos ?? 0) & mask) === value) !== inverted,
  explain: (match, { state }) => ({ term: tos.print(match), packet: hex2(state.skb.packet.tos ?? 0) }),
};
