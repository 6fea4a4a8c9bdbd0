import type { Packet } from "../../wire/packet.ts";
import { protocolNumber } from "../../wire/packet.ts";
import { type MatchModule, printOption } from "./module.ts";

/** `-m ipv6header --header`: which extension headers a packet has; with `--soft`, beside others. */
export interface Ipv6headerMatch {
  readonly kind: "ipv6header";
  /** Bits of the headers. */
  readonly headers: number;
  readonly inverted: boolean;
  readonly soft?: true;
}

/** In the order in which they are printed: bit, protocol number, and the names that are read; the first is printed. */
const headers: readonly (readonly [bit: number, number: number, names: readonly string[]])[] = [
  [128, 0, ["hop-by-hop", "hop", "hopopt"]],
  [64, 60, ["ipv6-opts", "dst"]],
  [32, 43, ["ipv6-route", "route"]],
  [16, 44, ["ipv6-frag", "frag"]],
  [8, 51, ["ah", "auth"]],
  [4, 50, ["esp"]],
  [2, 59, ["ipv6-nonxt", "none"]],
  [1, 255, ["protocol", "prot"]],
];
const bits: ReadonlyMap<string, number> = new Map(
  headers.flatMap(([bit, number, names]) => [...names, String(number)].map((name) => [name, bit] as const)),
);

/** The headers of a packet; undefined where its first bytes behind the IP header would have to be known. */
function headersOf(packet: Packet): number | undefined {
  const next = headers.find(([, number]) => number === protocolNumber(packet.transport));
  const fragment = packet.fragment === undefined ? 0 : 16;
  if (next === undefined) return fragment | 1;
  const [bit] = next;
  return bit === 4 || bit === 2 ? fragment | bit : undefined;
}

function printHeaders(mask: number): string {
  return headers.flatMap(([bit, , [name = ""]]) => ((mask & bit) === 0 ? [] : [name])).join(",");
}

export const ipv6header: MatchModule<Ipv6headerMatch> = {
  options: {
    "--header"(draft, read) {
      draft.inverted = read.inverted();
      draft.headers = 0;
      for (const name of read.value().split(",")) {
        draft.headers |= bits.get(name) ?? read.fail("BAD_VALUE", `${name} is not a header of IPv6`);
      }
    },
    "--soft": (draft) => void (draft.soft = true),
  },
  start: () => ({ kind: "ipv6header" }),
  finish({ headers: mask, inverted = false, soft }, read) {
    if (mask === undefined) return read.fail("MISSING_OPTION", "-m ipv6header needs --header");
    return { kind: "ipv6header", headers: mask, inverted, ...(soft && { soft }) };
  },
  print: (match) =>
    printOption(match.inverted, "--header", printHeaders(match.headers)) + (match.soft ? " --soft" : ""),
  // ipv6header_mt6() of net/ipv6/netfilter/ip6t_ipv6header.c.
  matches(match, { state }) {
    const own = headersOf(state.skb.packet);
    if (own === undefined) return undefined;
    if (!match.soft) return (own === match.headers) !== match.inverted;
    return ((own ^ match.headers ^ (match.inverted ? 0xff : 0)) & match.headers) === 0;
  },
  explain: (match, { state }) => ({
    term: ipv6header.print(match),
    packet: printHeaders(headersOf(state.skb.packet) ?? 0),
  }),
};
