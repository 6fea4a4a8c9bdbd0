import { type ChecksumTarget, checksum } from "./checksum.ts";
import { type ClassifyTarget, classify } from "./classify.ts";
import { type ConnmarkTarget, connmark } from "./connmark.ts";
import { type CtTarget, ct, notrack } from "./ct.ts";
import { type DscpTarget, dscp } from "./dscp.ts";
import { type LogTarget, log, nflog, trace } from "./log.ts";
import { type MarkTarget, mark } from "./mark.ts";
import type { TargetModule } from "./module.ts";
import { type MasqueradeTarget, masquerade } from "./masquerade.ts";
import { type NatTarget, dnat, snat } from "./nat.ts";
import { type NetmapTarget, netmap } from "./netmap.ts";
import { type RedirectTarget, redirect } from "./redirect.ts";
import { type RejectTarget, reject } from "./reject.ts";
import { type SetTarget, set } from "./set.ts";
import { type TcpmssTarget, tcpmss } from "./tcpmss.ts";
import { type TeeTarget, tee } from "./tee.ts";
import { type TosTarget, tos } from "./tos.ts";
import { type TproxyTarget, tproxy } from "./tproxy.ts";
import { type TtlTarget, hl, ttl } from "./ttl.ts";
import { type UnmodelledTarget, unmodelled } from "./unmodelled.ts";
import { type ChainTarget, type VerdictTarget, accept, drop, returning } from "./verdict.ts";

/** What a rule does with a packet that matched. Plain data; the same object may stand in any number of rules. */
export type Target =
  | VerdictTarget
  | ChainTarget
  | ChecksumTarget
  | ClassifyTarget
  | ConnmarkTarget
  | CtTarget
  | DscpTarget
  | LogTarget
  | MarkTarget
  | MasqueradeTarget
  | NatTarget
  | NetmapTarget
  | RedirectTarget
  | RejectTarget
  | SetTarget
  | TcpmssTarget
  | TeeTarget
  | TosTarget
  | TproxyTarget
  | TtlTarget
  | UnmodelledTarget;

/** Targets with a module: all but jumps and gotos, which the walk itself does. */
export type ModuleTarget = Exclude<Target, ChainTarget>;
export type TargetKind = ModuleTarget["kind"];

type TargetOf<K extends TargetKind, T = ModuleTarget> = T extends { readonly kind: infer Kinds }
  ? K extends Kinds
    ? T
    : never
  : never;

/** The registry: one line per target; the key is the name behind `-j`. */
const modules: { readonly [K in TargetKind]: TargetModule<TargetOf<K>> } = {
  ACCEPT: accept,
  CHECKSUM: checksum,
  CLASSIFY: classify,
  CONNMARK: connmark,
  CT: ct,
  DNAT: dnat,
  DROP: drop,
  DSCP: dscp,
  HL: hl,
  LOG: log,
  MARK: mark,
  MASQUERADE: masquerade,
  NETMAP: netmap,
  NFLOG: nflog,
  NOTRACK: notrack,
  REDIRECT: redirect,
  REJECT: reject,
  RETURN: returning,
  SET: set,
  SNAT: snat,
  TCPMSS: tcpmss,
  TEE: tee,
  TOS: tos,
  TPROXY: tproxy,
  TRACE: trace,
  TTL: ttl,
  unmodelled,
};

/** The names behind `-j` that are modelled, beside user chains. */
export const targetNames: readonly TargetKind[] = (Object.keys(modules) as TargetKind[]).filter(
  (name) => name !== "unmodelled",
);

export function isChainTarget(target: Target): target is ChainTarget {
  return target.kind === "jump" || target.kind === "goto";
}

/** The module of a target. */
export function targetModule(kind: TargetKind): TargetModule<ModuleTarget> {
  return modules[kind] as unknown as TargetModule<ModuleTarget>;
}

/** The module behind `-j NAME`; undefined for a user chain or a target that is not modelled. */
export function targetByName(name: string): TargetModule<ModuleTarget> | undefined {
  return Object.hasOwn(modules, name) && name !== "unmodelled" ? targetModule(name as TargetKind) : undefined;
}

/** The word behind `-j` or `-g`. */
export function targetName(target: Target): string {
  if (isChainTarget(target)) return target.chain;
  return target.kind === "unmodelled" ? target.name : target.kind;
}
