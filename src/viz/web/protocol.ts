import type { Trace } from "../../trace/records.ts";
import type { Inventory } from "../inventory.ts";
import type { SharedFile } from "../share.ts";

/** What the page and the worker say to each other. */
export interface RunRequest {
  readonly id: number;
  /** Name shown in problems. */
  readonly file: string;
  /** A scenario, manifests, or both, as YAML or JSON. */
  readonly text: string;
  /** Files that the text may name, from a link. */
  readonly beside: readonly SharedFile[];
  /** Which flow of the scenario; its own sender and command where `probe` is absent. */
  readonly flow: number;
  readonly probe?: { readonly from: string; readonly run: string };
  readonly seed?: number;
  readonly pins?: Readonly<Record<string, number>>;
}

/** A mistake in the input, at its place. */
export interface Problem {
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

/** A trace with what can be tried beside it. */
export interface Answer {
  readonly trace: Trace;
  readonly flows: readonly OfferedFlow[];
  readonly inventory: Inventory;
}

export type RunReply =
  | ({ readonly id: number; readonly kind: "trace" } & Answer)
  | { readonly id: number; readonly kind: "problems"; readonly problems: readonly Problem[] }
  | { readonly id: number; readonly kind: "failed"; readonly message: string };
