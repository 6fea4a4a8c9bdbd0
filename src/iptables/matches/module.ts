import type { Family } from "../../wire/address.ts";
import type { Evaluation } from "../evaluation.ts";
import type { Draft, OptionReader, Options } from "../option.ts";

/** The term that kept a rule from matching, and what the packet had instead. */
export interface Failure {
  readonly term: string;
  readonly packet: string;
}

/** Everything about one kind of match: how it is read, printed and compared with a packet. */
export interface MatchModule<M> {
  readonly options: Options<M>;
  /** What `-m NAME` alone means. */
  start(family: Family): Draft<M>;
  /** Completes a draft; fails through the reader where an option is missing. */
  finish?(draft: Draft<M>, read: OptionReader): M;
  /** The options behind `-m NAME` as iptables-save prints them. The family (IPv4 where absent) matters to masks only. */
  print(match: M, family?: Family): string;
  /** Whether the packet matches; undefined where that is not modelled. */
  matches(match: M, evaluation: Evaluation): boolean | undefined;
  /** Why it did not match. Asked only after `matches` said false. */
  explain(match: M, evaluation: Evaluation): Failure;
  /** A counter, a bucket or chance: each comparison changes the next one. */
  readonly changesWhenAsked?: true;
  /** Needs connection tracking: always, or as the match says. */
  readonly needsConntrack?: true | ((match: M) => boolean);
}

/** `! --option value`, for print. */
export function printOption(inverted: boolean, option: string, value: string): string {
  return `${inverted ? "! " : ""}${option} ${value}`;
}
