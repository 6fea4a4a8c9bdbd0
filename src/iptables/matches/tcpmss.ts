import { type MatchModule, printOption } from "./module.ts";
import { printSpan, readPortRange } from "./ranges.ts";

/** `-m tcpmss --mss FROM[:TO]`: the MSS option of a TCP segment, bytes. */
export interface TcpmssMatch {
  readonly kind: "tcpmss";
  readonly from: number;
  readonly to: number;
  readonly inverted: boolean;
}

export const tcpmss: MatchModule<TcpmssMatch> = {
  options: { "--mss": (draft, read) => void Object.assign(draft, readPortRange(read)) },
  start: () => ({ kind: "tcpmss" }),
  finish({ from, to, inverted }, read) {
    if (from === undefined || to === undefined || inverted === undefined) {
      return read.fail("MISSING_OPTION", "-m tcpmss needs --mss");
    }
    return { kind: "tcpmss", from, to, inverted };
  },
  print: (match) => printOption(match.inverted, "--mss", printSpan(match)),
  // Without the option the answer is that of the inversion (net/netfilter/xt_tcpmss.c).
  matches(match, { state }) {
    const { transport } = state.skb.packet;
    const mss = transport.protocol === "tcp" ? transport.mss : undefined;
    if (mss === undefined) return match.inverted;
    return (mss >= match.from && mss <= match.to) !== match.inverted;
  },
  explain(match, { state }) {
    const { transport } = state.skb.packet;
    const mss = transport.protocol === "tcp" ? transport.mss : undefined;
    return { term: tcpmss.print(match, state.family), packet: mss === undefined ? "no MSS option" : `${mss} bytes` };
  },
};
