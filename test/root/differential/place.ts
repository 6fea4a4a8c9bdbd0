import type { TableName } from "../../../src/iptables/rule.ts";
import type { Family } from "../../../src/wire/address.ts";

export type Hook = "PREROUTING" | "INPUT" | "FORWARD" | "OUTPUT" | "POSTROUTING";

/** The built-in chains of each table. */
export const hooksOf: Readonly<Record<TableName, readonly Hook[]>> = {
  raw: ["PREROUTING", "OUTPUT"],
  mangle: ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"],
  nat: ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"],
  filter: ["INPUT", "FORWARD", "OUTPUT"],
  security: ["INPUT", "FORWARD", "OUTPUT"],
};

export const tables: readonly TableName[] = Object.keys(hooksOf) as TableName[];

/** Where a rule stands: which hooks can reach it. */
export interface Place {
  readonly family: Family;
  readonly table: TableName;
  readonly chain: string;
  readonly hooks: readonly Hook[];
}

/** Whether no other hook reaches the place. */
export function only(place: Place, ...hooks: readonly Hook[]): boolean {
  return place.hooks.every((hook) => hooks.includes(hook));
}
