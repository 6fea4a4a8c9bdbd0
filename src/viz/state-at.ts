import type { StateChange } from "../trace/records.ts";
import type { Course } from "./moments.ts";

export type StateTable = StateChange["table"];

/** One entry of a table, as it is after a step. */
export interface StateEntry {
  readonly key: string;
  readonly text: string;
  /** Added, changed or taken away by the step itself. */
  readonly change?: StateChange["action"];
}

export interface NamespaceState {
  readonly namespace: string;
  readonly tables: readonly {
    readonly table: StateTable | "routes looked up";
    readonly entries: readonly StateEntry[];
  }[];
}

type Tables = Map<string, Map<string, StateEntry>>;

/**
 * What the trace says about the state of every namespace after the moment at `index`: changes folded in order, and what
 * lookups found. The namespace of the moment comes first.
 */
export function stateAt({ moments }: Course, index: number): readonly NamespaceState[] {
  const namespaces = new Map<string, Tables>();
  const entriesOf = (namespace: string, table: string): Map<string, StateEntry> => {
    const tables = namespaces.get(namespace) ?? new Map();
    namespaces.set(namespace, tables);
    const entries = tables.get(table) ?? new Map();
    tables.set(table, entries);
    return entries;
  };
  for (const { step, index: at } of moments.slice(0, index + 1)) {
    const now = at === index;
    for (const { table, action, key, before, after } of step.stateChanges ?? []) {
      const entries = entriesOf(step.namespace, table);
      if (action !== "delete") entries.set(key, { key, text: after ?? "", ...(now && { change: action }) });
      else if (now) entries.set(key, { key, text: before ?? "", change: action });
      else entries.delete(key);
    }
    if (step.kind === "route" && step.route !== undefined)
      entriesOf(step.namespace, "routes looked up").set(step.route, { key: step.route, text: "" });
    if (step.kind === "neighbour" && step.action === "hit" && step.mac !== undefined) {
      const key = `${step.address} dev ${step.device}`;
      const known = entriesOf(step.namespace, "neighbour");
      if (![...known.keys()].some((one) => one.startsWith(step.address))) known.set(key, { key, text: step.mac });
    }
  }
  const here = moments[index]?.step.namespace;
  const first = (name: string): number => (name === here ? 0 : 1);
  return [...namespaces]
    .map(([namespace, tables]) => ({
      namespace,
      tables: [...tables].map(([table, entries]) => ({ table: table as StateTable, entries: [...entries.values()] })),
    }))
    .toSorted((a, b) => first(a.namespace) - first(b.namespace));
}
