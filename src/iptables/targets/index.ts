import type { ConnmarkTarget } from "./connmark.ts";
import type { CtTarget } from "./ct.ts";
import type { LogTarget } from "./log.ts";
import type { MarkTarget } from "./mark.ts";
import type { MasqueradeTarget, NatTarget, RedirectTarget } from "./nat.ts";
import type { RejectTarget } from "./reject.ts";
import type { SetTarget } from "./set.ts";
import type { TcpmssTarget } from "./tcpmss.ts";
import type { TproxyTarget } from "./tproxy.ts";
import type { UnmodelledTarget } from "./unmodelled.ts";
import type { ChainTarget, VerdictTarget } from "./verdict.ts";

/** What a rule does with a packet that matched. Plain data; the same object may stand in any number of rules. */
export type Target =
  | VerdictTarget
  | ChainTarget
  | ConnmarkTarget
  | CtTarget
  | LogTarget
  | MarkTarget
  | MasqueradeTarget
  | NatTarget
  | RedirectTarget
  | RejectTarget
  | SetTarget
  | TcpmssTarget
  | TproxyTarget
  | UnmodelledTarget;
