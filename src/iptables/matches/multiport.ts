import { hasPorts } from "../../wire/packet.ts";
import type { Draft, OptionReader } from "../option.ts";
import { transportName } from "../protocols.ts";
import { type MatchModule, printOption } from "./module.ts";
import { printSpan, readSpan } from "./ranges.ts";

/** `-m multiport --dports 80,443,1000:2000`. */
export interface MultiportMatch {
  readonly kind: "multiport";
  readonly side: "source" | "destination" | "either";
  readonly ports: readonly { readonly from: number; readonly to: number }[];
  readonly inverted: boolean;
}

function reader(side: MultiportMatch["side"]): (draft: Draft<MultiportMatch>, read: OptionReader) => void {
  return (draft, read) => {
    draft.inverted = read.inverted();
    draft.side = side;
    draft.ports = read
      .value()
      .split(",")
      .map((text) => readSpan(read, text));
    const slots = draft.ports.reduce((sum, range) => sum + (range.from === range.to ? 1 : 2), 0);
    // XT_MULTI_PORTS; a range takes two.
    if (slots > 15) read.fail("TOO_MANY_PORTS", "a multiport match holds at most 15 ports, and a range counts twice");
  };
}

const names = { source: "--sports", destination: "--dports", either: "--ports" } as const;

export const multiport: MatchModule<MultiportMatch> = {
  options: {
    "--sports": reader("source"),
    "--source-ports": reader("source"),
    "--dports": reader("destination"),
    "--destination-ports": reader("destination"),
    "--ports": reader("either"),
  },
  start: () => ({ kind: "multiport" }),
  finish(draft, read) {
    const { side, ports, inverted } = draft;
    if (side === undefined || ports === undefined || inverted === undefined) {
      return read.fail("MISSING_OPTION", "-m multiport needs --sports, --dports or --ports");
    }
    return { kind: "multiport", side, ports, inverted };
  },
  print: (match) => printOption(match.inverted, names[match.side], match.ports.map(printSpan).join(",")),
  matches(match, { state }) {
    const { transport, fragment } = state.skb.packet;
    if (!hasPorts(transport) || (fragment !== undefined && fragment.offset > 0)) return false;
    const { side } = match;
    const found = match.ports.some(
      ({ from, to }) =>
        (side !== "destination" && transport.srcPort >= from && transport.srcPort <= to) ||
        (side !== "source" && transport.dstPort >= from && transport.dstPort <= to),
    );
    return found !== match.inverted;
  },
  explain(match, { state }) {
    const { transport } = state.skb.packet;
    const packet = hasPorts(transport)
      ? {
          source: `${transport.srcPort}`,
          destination: `${transport.dstPort}`,
          either: `${transport.srcPort} and ${transport.dstPort}`,
        }[match.side]
      : transportName(transport);
    return { term: multiport.print(match), packet };
  },
};
