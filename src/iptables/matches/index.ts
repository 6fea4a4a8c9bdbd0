import { type AddrtypeMatch, addrtype } from "./addrtype.ts";
import { type BpfMatch, bpf } from "./bpf.ts";
import { type CommentMatch, comment } from "./comment.ts";
import { type ConnbytesMatch, connbytes } from "./connbytes.ts";
import { type ConnlimitMatch, connlimit } from "./connlimit.ts";
import { type ConntrackMatch, conntrack } from "./conntrack.ts";
import { type DscpMatch, dscp } from "./dscp.ts";
import { type Eui64Match, eui64 } from "./eui64.ts";
import { type FragMatch, frag } from "./frag.ts";
import { type HashlimitMatch, hashlimit } from "./hashlimit.ts";
import { type IcmpMatch, icmp, icmp6 } from "./icmp.ts";
import {
  type AddressMatch,
  type FragmentMatch,
  type InterfaceMatch,
  type ProtocolMatch,
  destination,
  fragment,
  inInterface,
  outInterface,
  protocol,
  source,
} from "./ip.ts";
import { type IprangeMatch, iprange } from "./iprange.ts";
import { type Ipv6headerMatch, ipv6header } from "./ipv6header.ts";
import { type IpvsMatch, ipvs } from "./ipvs.ts";
import { type LengthMatch, length } from "./length.ts";
import { type LimitMatch, limit } from "./limit.ts";
import { type MacMatch, mac } from "./mac.ts";
import { type MarkMatch, connmark, mark } from "./mark.ts";
import type { MatchModule } from "./module.ts";
import { type MultiportMatch, multiport } from "./multiport.ts";
import { type NfacctMatch, nfacct } from "./nfacct.ts";
import { type OwnerMatch, owner } from "./owner.ts";
import { type PhysdevMatch, physdev } from "./physdev.ts";
import { type PkttypeMatch, pkttype } from "./pkttype.ts";
import { type PolicyMatch, policy } from "./policy.ts";
import { type QuotaMatch, quota } from "./quota.ts";
import { type RecentMatch, recent } from "./recent.ts";
import { type RpfilterMatch, rpfilter } from "./rpfilter.ts";
import { type SctpMatch, sctp } from "./sctp.ts";
import { type SetMatch, set } from "./set.ts";
import { type SocketMatch, socket } from "./socket.ts";
import { type StateMatch, state } from "./state.ts";
import { type StatisticMatch, statistic } from "./statistic.ts";
import { type StringMatch, string } from "./string.ts";
import { type TcpMatch, tcp } from "./tcp.ts";
import { type TcpmssMatch, tcpmss } from "./tcpmss.ts";
import { type TosMatch, tos } from "./tos.ts";
import { type TtlMatch, hl, ttl } from "./ttl.ts";
import { type U32Match, u32 } from "./u32.ts";
import { type UdpMatch, udp } from "./udp.ts";
import { type UnmodelledMatch, unmodelled } from "./unmodelled.ts";

/** One term of a rule. Plain data; the same object may stand in any number of rules. */
export type Match =
  | AddressMatch
  | ProtocolMatch
  | InterfaceMatch
  | FragmentMatch
  | AddrtypeMatch
  | BpfMatch
  | CommentMatch
  | ConnbytesMatch
  | ConnlimitMatch
  | ConntrackMatch
  | DscpMatch
  | Eui64Match
  | FragMatch
  | HashlimitMatch
  | IcmpMatch
  | IprangeMatch
  | Ipv6headerMatch
  | IpvsMatch
  | LengthMatch
  | LimitMatch
  | MacMatch
  | MarkMatch
  | MultiportMatch
  | NfacctMatch
  | OwnerMatch
  | PhysdevMatch
  | PkttypeMatch
  | PolicyMatch
  | QuotaMatch
  | RecentMatch
  | RpfilterMatch
  | SctpMatch
  | SetMatch
  | SocketMatch
  | StateMatch
  | StatisticMatch
  | StringMatch
  | TcpMatch
  | TcpmssMatch
  | TosMatch
  | TtlMatch
  | U32Match
  | UdpMatch
  | UnmodelledMatch;

export type MatchKind = Match["kind"];

type MatchOf<K extends MatchKind, M = Match> = M extends { readonly kind: infer Kinds }
  ? K extends Kinds
    ? M
    : never
  : never;

/** Terms of the IP header: options of the rule itself, without `-m`. */
const headerModules = {
  source,
  destination,
  "in-interface": inInterface,
  "out-interface": outInterface,
  protocol,
  fragment,
} as const;

/** The registry: one line per match; the key is the name behind `-m`. */
const extensionModules = {
  addrtype,
  bpf,
  comment,
  connbytes,
  connlimit,
  connmark,
  conntrack,
  dscp,
  eui64,
  frag,
  hashlimit,
  hl,
  icmp,
  icmp6,
  iprange,
  ipv6header,
  ipvs,
  length,
  limit,
  mac,
  mark,
  multiport,
  nfacct,
  owner,
  physdev,
  pkttype,
  policy,
  quota,
  recent,
  rpfilter,
  sctp,
  set,
  socket,
  state,
  statistic,
  string,
  tcp,
  tcpmss,
  tos,
  ttl,
  u32,
  udp,
} as const;

const modules: { readonly [K in MatchKind]: MatchModule<MatchOf<K>> } = {
  ...headerModules,
  ...extensionModules,
  unmodelled,
};

export function isHeaderMatch(match: Match): match is AddressMatch | ProtocolMatch | InterfaceMatch | FragmentMatch {
  return Object.hasOwn(headerModules, match.kind);
}

/** The module of a match. */
export function moduleOf(kind: MatchKind): MatchModule<Match> {
  return modules[kind] as unknown as MatchModule<Match>;
}

/** The names behind `-m` that are modelled. */
export const matchNames: readonly MatchKind[] = Object.keys(extensionModules) as MatchKind[];

/** The kind behind `-m NAME`; undefined for a match that is not modelled. */
export function kindByName(name: string): MatchKind | undefined {
  // xtables_find_match() of libxtables.
  if (name === "icmpv6" || name === "ipv6-icmp") return "icmp6";
  return Object.hasOwn(extensionModules, name) ? (name as MatchKind) : undefined;
}
