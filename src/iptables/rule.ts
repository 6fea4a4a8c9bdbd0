import type { Owner } from "../trace/records.ts";
import type { Family } from "../wire/address.ts";
import type { Match } from "./matches/index.ts";
import type { Target } from "./targets/index.ts";

/*
 * Ruleset (one family) ── Table ── Chain ── Rule ─┬─ Match ...  in the order they were written in
 *                                                 └─ Target     absent: the rule only counts
 * All of it is readonly plain data. What moves (counters, `recent` lists, sets) belongs to a namespace: netns.ts.
 */

/**
 * One rule. `matches` keep the order of the text that they were read from or will be printed as: terms of the IP
 * header (`-s -d -i -o -p -f`) may stand anywhere between the others. A packet is compared with those first,
 * as in the kernel. An option such as `--dport` belongs to its match wherever it was written.
 */
export interface Rule {
  readonly matches: readonly Match[];
  readonly target?: Target;
  /** What in the cluster caused the rule. Not part of the text. */
  readonly owner?: Owner;
}

/** The counters of a rule or policy: packets and bytes. */
export interface Counters {
  readonly packets: number;
  readonly bytes: number;
}

export interface Chain {
  readonly name: string;
  /** Built-in chains have one, user chains have not. */
  readonly policy?: "ACCEPT" | "DROP";
  readonly rules: readonly Rule[];
  /** Of the policy. */
  readonly policyCounters?: Counters;
  /** One per rule, where the text stated them. */
  readonly counters?: readonly (Counters | undefined)[];
}

export type TableName = "raw" | "mangle" | "nat" | "filter" | "security";

/** Chains by name; built-in ones first, then user chains in the order they were made in. */
export interface Table {
  readonly name: TableName;
  readonly chains: ReadonlyMap<string, Chain>;
}

/** The tables of one family. A table that nobody touched is absent, as in the kernel. */
export interface Ruleset {
  readonly family: Family;
  readonly tables: ReadonlyMap<TableName, Table>;
}

/** One line of iptables-restore text, or one iptables(8) command. Rule numbers count from 1. */
export type Command =
  /** `:CHAIN POLICY [packets:bytes]`: makes the chain, or empties it. */
  | {
      readonly kind: "chain";
      readonly chain: string;
      readonly policy?: "ACCEPT" | "DROP";
      readonly counters?: Counters;
    }
  | { readonly kind: "append"; readonly chain: string; readonly rule: Rule; readonly counters?: Counters }
  | {
      readonly kind: "insert";
      readonly chain: string;
      readonly number: number;
      readonly rule: Rule;
      readonly counters?: Counters;
    }
  | { readonly kind: "delete"; readonly chain: string; readonly rule: Rule }
  | { readonly kind: "delete-number"; readonly chain: string; readonly number: number }
  | { readonly kind: "replace"; readonly chain: string; readonly number: number; readonly rule: Rule }
  | { readonly kind: "new-chain"; readonly chain: string }
  /** Without a chain: all user chains. */
  | { readonly kind: "delete-chain"; readonly chain?: string }
  | { readonly kind: "rename-chain"; readonly chain: string; readonly to: string }
  | { readonly kind: "flush"; readonly chain?: string }
  | { readonly kind: "zero"; readonly chain?: string }
  | {
      readonly kind: "policy";
      readonly chain: string;
      readonly policy: "ACCEPT" | "DROP";
      readonly counters?: Counters;
    };

/** The commands between `*TABLE` and `COMMIT`, in order. */
export interface TableCommands {
  readonly table: TableName;
  readonly commands: readonly Command[];
}

/** The whole text of one iptables-restore call as data. */
export interface RestoreText {
  readonly family: Family;
  readonly tables: readonly TableCommands[];
}
