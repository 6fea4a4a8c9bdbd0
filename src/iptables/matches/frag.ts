import type { Packet } from "../../wire/packet.ts";
import type { Draft, OptionReader } from "../option.ts";
import { type MatchModule } from "./module.ts";
import { type PortRange, printRange, readPortRange } from "./ranges.ts";

/** `-m frag`: the fragment header of IPv6. */
export interface FragMatch {
  readonly kind: "frag";
  readonly ids?: PortRange;
  /** The option without a meaning to the kernel, as printed. */
  readonly length?: PortRange;
  readonly reserved?: true;
  readonly first?: true;
  readonly rest?: "--fragmore" | "--fraglast";
}

/** frag_mt6() of net/ipv6/netfilter/ip6t_frag.c; the identification of a fragment is not known. */
function matches(match: FragMatch, { fragment }: Packet): boolean | undefined {
  if (fragment === undefined || match.reserved) return false;
  if (match.first && fragment.offset > 0) return false;
  if (match.rest !== undefined && fragment.more !== (match.rest === "--fragmore")) return false;
  const { ids } = match;
  if (ids === undefined || (ids.from === 0 && ids.to === mostId)) return ids?.inverted !== true;
  return undefined;
}

const mostId = 0xffffffff;

function rest(option: "--fragmore" | "--fraglast"): (draft: Draft<FragMatch>, read: OptionReader) => void {
  return (draft, read) => {
    if (draft.rest !== undefined) read.fail("BAD_OPTION", "--fragmore and --fraglast do not go together");
    draft.rest = option;
  };
}

export const frag: MatchModule<FragMatch> = {
  options: {
    "--fragid": (draft, read) => void (draft.ids = readPortRange(read, mostId)),
    "--fraglen": (draft, read) => void (draft.length = readPortRange(read, mostId)),
    "--fragres": (draft) => void (draft.reserved = true),
    "--fragfirst": (draft) => void (draft.first = true),
    "--fragmore": rest("--fragmore"),
    "--fraglast": rest("--fraglast"),
  },
  start: () => ({ kind: "frag" }),
  print: (match) =>
    [
      ...printRange("--fragid", match.ids),
      ...printRange("--fraglen", match.length),
      ...(match.reserved ? ["--fragres"] : []),
      ...(match.first ? ["--fragfirst"] : []),
      ...(match.rest === undefined ? [] : [match.rest]),
    ].join(" "),
  matches: (match, { state }) => matches(match, state.skb.packet),
  explain: (match, { state }) => ({
    term: `-m frag ${frag.print(match)}`.trim(),
    packet: state.skb.packet.fragment === undefined ? "no fragment" : "another part",
  }),
};
