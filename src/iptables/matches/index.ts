import type { AddrtypeMatch } from "./addrtype.ts";
import type { CommentMatch } from "./comment.ts";
import type { ConntrackMatch, StateMatch } from "./conntrack.ts";
import type { IcmpMatch } from "./icmp.ts";
import type { AddressMatch, FragmentMatch, InterfaceMatch, ProtocolMatch } from "./ip.ts";
import type { IpvsMatch } from "./ipvs.ts";
import type { LimitMatch } from "./limit.ts";
import type { MarkMatch } from "./mark.ts";
import type { MultiportMatch } from "./multiport.ts";
import type { NfacctMatch } from "./nfacct.ts";
import type { OwnerMatch } from "./owner.ts";
import type { PhysdevMatch } from "./physdev.ts";
import type { RecentMatch } from "./recent.ts";
import type { RpfilterMatch } from "./rpfilter.ts";
import type { SctpMatch } from "./sctp.ts";
import type { SetMatch } from "./set.ts";
import type { SocketMatch } from "./socket.ts";
import type { StatisticMatch } from "./statistic.ts";
import type { TcpMatch } from "./tcp.ts";
import type { TcpmssMatch } from "./tcpmss.ts";
import type { UdpMatch } from "./udp.ts";
import type { UnmodelledMatch } from "./unmodelled.ts";

/** One term of a rule. Plain data; the same object may stand in any number of rules. */
export type Match =
  | AddressMatch
  | ProtocolMatch
  | InterfaceMatch
  | FragmentMatch
  | AddrtypeMatch
  | CommentMatch
  | ConntrackMatch
  | StateMatch
  | IcmpMatch
  | IpvsMatch
  | LimitMatch
  | MarkMatch
  | MultiportMatch
  | NfacctMatch
  | OwnerMatch
  | PhysdevMatch
  | RecentMatch
  | RpfilterMatch
  | SctpMatch
  | SetMatch
  | SocketMatch
  | StatisticMatch
  | TcpMatch
  | TcpmssMatch
  | UdpMatch
  | UnmodelledMatch;
