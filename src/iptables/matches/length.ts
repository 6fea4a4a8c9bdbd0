import { packetBytes } from "../../wire/packet.ts";
import { type MatchModule, printOption } from "./module.ts";
import { type PortRange, inRange, printSpan, readPortRange } from "./ranges.ts";

/** `-m length --length FROM[:TO]`: the whole IP packet, bytes. */
export interface LengthMatch extends PortRange {
  readonly kind: "length";
}

export const length: MatchModule<LengthMatch> = {
  options: { "--length": (draft, read) => void Object.assign(draft, readPortRange(read)) },
  start: () => ({ kind: "length" }),
  finish({ from, to, inverted }, read) {
    if (from === undefined || to === undefined || inverted === undefined) {
      return read.fail("MISSING_OPTION", "-m length needs --length");
    }
    return { kind: "length", from, to, inverted };
  },
  print: (match) => printOption(match.inverted, "--length", printSpan(match)),
  matches: (match, { state }) => inRange(match, packetBytes(state.skb.packet)),
  explain: (match, { state }) => ({ term: length.print(match), packet: `${packetBytes(state.skb.packet)} bytes` }),
};
