import type { FieldChange, StateChange } from "../../trace/records.ts";
import type { Family } from "../../wire/address.ts";
import type { Evaluation } from "../evaluation.ts";
import type { Draft, OptionReader, Options } from "../option.ts";

/**
 * What a target says. `continue`: the next rule. `reject`: dropped, with an answer. `unknown`: something that is
 * not modelled would decide.
 */
export type TargetVerdict = "continue" | "accept" | "drop" | "reject" | "unknown";

/** What a target is about to change, for the trace. */
export interface Effects {
  readonly changes?: readonly FieldChange[];
  readonly stateChanges?: readonly StateChange[];
}

/** Everything about one kind of target. */
export interface TargetModule<T> {
  readonly options: Options<T>;
  start(family: Family): Draft<T>;
  finish?(draft: Draft<T>, read: OptionReader): T;
  /** The options behind `-j NAME` as iptables-save prints them. */
  print(target: T, family: Family): string;
  /** Asked before `run`, and only when steps are recorded. */
  effects?(target: T, evaluation: Evaluation): Effects;
  run(target: T, evaluation: Evaluation): TargetVerdict;
  /** Needs connection tracking: always, or as the target says. */
  readonly needsConntrack?: true | ((target: T) => boolean);
}
