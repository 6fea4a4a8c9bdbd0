import { type Address, formatAddress } from "../../wire/address.ts";
import { readAddress } from "../addresses.ts";
import type { Draft, OptionReader } from "../option.ts";
import { type MatchModule } from "./module.ts";

/** `-m recent`: a list of addresses and when they were seen (session affinity of kube-proxy). */
export interface RecentMatch {
  readonly kind: "recent";
  readonly action: "set" | "rcheck" | "update" | "remove";
  readonly name: string;
  readonly side: "source" | "destination";
  readonly inverted: boolean;
  readonly seconds?: number;
  /** Forget the oldest entry when it is older than `seconds`. */
  readonly reap?: true;
  readonly hitcount?: number;
  readonly rttl?: true;
  /** Bits of the address that count, if this rule is the first of its list; absent: all. */
  readonly mask?: Address;
}

function action(name: RecentMatch["action"]): (draft: Draft<RecentMatch>, read: OptionReader) => void {
  return (draft, read) => {
    if (draft.action !== undefined) read.fail("BAD_OPTION", "use one of --set, --rcheck, --update, --remove");
    draft.action = name;
    draft.inverted = read.inverted();
  };
}

export const recent: MatchModule<RecentMatch> = {
  options: {
    "--set": action("set"),
    "--rcheck": action("rcheck"),
    "--update": action("update"),
    "--remove": action("remove"),
    "--name": (draft, read) => void (draft.name = read.value()),
    "--seconds": (draft, read) => void (draft.seconds = read.number(1, 0xffffffff)),
    "--hitcount": (draft, read) => void (draft.hitcount = read.number(1, 65_535)),
    "--reap": (draft) => void (draft.reap = true),
    "--rttl": (draft) => void (draft.rttl = true),
    "--rsource": (draft) => void (draft.side = "source"),
    "--rdest": (draft) => void (draft.side = "destination"),
    "--mask"(draft, read) {
      const mask = readAddress(read);
      if (typeof mask === "number" ? mask !== 0xffffffff : mask !== 2n ** 128n - 1n) draft.mask = mask;
    },
  },
  start: () => ({ kind: "recent" }),
  finish(draft, read) {
    const { action, name = "DEFAULT", side = "source", inverted = false } = draft;
    if (action === undefined)
      return read.fail("MISSING_OPTION", "-m recent needs --set, --rcheck, --update or --remove");
    if (draft.reap && draft.seconds === undefined) return read.fail("MISSING_OPTION", "--reap needs --seconds");
    return { ...draft, kind: "recent", action, name, side, inverted };
  },
  print(match, family) {
    const allBits = family === "ipv6" ? "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" : "255.255.255.255";
    return [
      `${match.inverted ? "! " : ""}--${match.action}`,
      ...(match.seconds === undefined ? [] : [`--seconds ${match.seconds}`]),
      ...(match.reap ? ["--reap"] : []),
      ...(match.hitcount === undefined ? [] : [`--hitcount ${match.hitcount}`]),
      ...(match.rttl ? ["--rttl"] : []),
      `--name ${match.name}`,
      `--mask ${match.mask === undefined ? allBits : formatAddress(match.mask)}`,
      match.side === "source" ? "--rsource" : "--rdest",
    ].join(" ");
  },
  matches(match, { recentLists, state, nowNanos, note }) {
    const { packet } = state.skb;
    const address = match.side === "source" ? packet.src : packet.dst;
    // The TTL as it was before this node forwarded the packet.
    const ttl = state.outDevice !== undefined && state.inDevice !== undefined ? packet.ttl + 1 : packet.ttl;
    return recentLists.list(match.name).check(match, address, ttl, nowNanos, note);
  },
  changesWhenAsked: true,
  explain: (match, { state }) => ({
    term: recent.print(match, state.family),
    packet: formatAddress(match.side === "source" ? state.skb.packet.src : state.skb.packet.dst),
  }),
};
