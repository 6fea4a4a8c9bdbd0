import type { Trace } from "../../trace/records.ts";
import type { Inventory } from "../inventory.ts";
import type { SettingValue } from "../../scenario/edit.ts";
import type { SharedFile } from "../share.ts";

/** What is to be run; the answer carries the same id. */
export interface RunRequest {
  readonly id: number;
  readonly file: string;
  readonly text: string;
  /** Files that the text may name, from a link. */
  readonly beside: readonly SharedFile[];
  /** Which flow of the scenario; its own sender and command where `probe` is absent. */
  readonly flow: number;
  readonly probe?: { readonly from: string; readonly run: string };
  readonly seed?: number;
  /** Choice ids and the options to take. */
  readonly pins?: Readonly<Record<string, number>>;
  /** Also what a large cluster holds beside the way of the packets. */
  readonly whole?: true;
}

/** Asks what a node of the cluster of a request holds, as its own tools print it. */
export interface DumpRequest extends RunRequest {
  readonly dump: { readonly node: string; readonly command: DumpCommand };
}

export const dumpCommands = ["iptables-save", "ip6tables-save", "ipset save", "ip"] as const;
export type DumpCommand = (typeof dumpCommands)[number];

/** A mistake in the input, at its place; a warning does not keep it from being run. */
export interface Problem {
  readonly severity?: "error" | "warning";
  readonly code: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** A flow that the scenario offers. */
export interface OfferedFlow {
  readonly name: string;
  readonly from: string;
  readonly run: string;
}

/** A setting of the cluster; true and false are a box to tick, `options` a list to choose from. */
export interface SettingField {
  /** A key of `cluster:` in a scenario. */
  readonly key: string;
  readonly label: string;
  readonly value: SettingValue;
  /** The input says so; else it is assumed. */
  readonly stated: boolean;
  readonly options?: readonly string[];
  /** The id of the assumption that it is, where nobody states it. */
  readonly assumption?: string;
}

/** A trace with what can be tried beside it. */
export interface Answer {
  readonly trace: Trace;
  readonly flows: readonly OfferedFlow[];
  readonly inventory: Inventory;
  readonly settings: readonly SettingField[];
  /** Who is said to listen where. */
  readonly listens: Readonly<Record<string, string>>;
  readonly warnings: readonly Problem[];
  /** Sentences about the input as a whole: what was left out. */
  readonly notes: readonly string[];
  /** Pods that a trace-only answer leaves out. */
  readonly podsLeftOut?: number;
}

export type RunReply =
  | ({ readonly id: number; readonly kind: "trace" } & Answer)
  | { readonly id: number; readonly kind: "problems"; readonly problems: readonly Problem[] }
  | { readonly id: number; readonly kind: "failed"; readonly message: string }
  /** How far it has come: `Reading`, and how many objects. */
  | { readonly id: number; readonly kind: "progress"; readonly doing: string; readonly objects?: number }
  | { readonly id: number; readonly kind: "dump"; readonly text: string };
