import { type MatchModule, printOption } from "./module.ts";

const types = ["unicast", "broadcast", "multicast"] as const;

/** `-m pkttype`: whom the frame was addressed to on the link. */
export interface PkttypeMatch {
  readonly kind: "pkttype";
  readonly type: (typeof types)[number];
  readonly inverted: boolean;
}

const aliases: Readonly<Record<string, PkttypeMatch["type"]>> = {
  host: "unicast",
  bcast: "broadcast",
  mcast: "multicast",
};

export const pkttype: MatchModule<PkttypeMatch> = {
  options: {
    "--pkt-type"(draft, read) {
      draft.inverted = read.inverted();
      const text = read.value();
      draft.type =
        types.find((type) => type === text) ??
        aliases[text] ??
        read.fail("BAD_VALUE", `${text} is not one of ${types.join(", ")}`);
    },
  },
  start: () => ({ kind: "pkttype" }),
  finish({ type, inverted }, read) {
    if (type === undefined || inverted === undefined) return read.fail("MISSING_OPTION", "-m pkttype needs --pkt-type");
    return { kind: "pkttype", type, inverted };
  },
  print: (match) => printOption(match.inverted, "--pkt-type", match.type),
  matches: (match, { state }) => (match.type === typeOf(state.skb.packetType)) !== match.inverted,
  explain: (match, { state }) => ({ term: pkttype.print(match), packet: typeOf(state.skb.packetType) }),
};

/** br_netfilter shows frames for others as if they were ours; so are local packets. */
function typeOf(type: "host" | "other-host" | "broadcast" | "multicast" | undefined): PkttypeMatch["type"] {
  return type === "broadcast" || type === "multicast" ? type : "unicast";
}
