import type { NamespaceState as Snapshot, StateChange, StateTable, Step, Trace } from "../trace/records.ts";
import type { Course } from "./moments.ts";

/** One entry of a table, as it is after a step. */
export interface EntryAt {
  readonly key: string;
  readonly text: string;
  /** Added, changed or taken away by the step itself. */
  readonly change?: StateChange["action"];
  /** As it was, where the step changed it. */
  readonly before?: string;
  /** The step looked it up. */
  readonly used?: true;
}

export interface TableAt {
  readonly table: StateTable;
  /** What the step changed or used first. */
  readonly entries: readonly EntryAt[];
  /** Entries that the trace does not list. */
  readonly leftOut: number;
}

export interface NamespaceAt {
  readonly namespace: string;
  readonly tables: readonly TableAt[];
}

type Tables = Map<StateTable, Map<string, EntryAt>>;

const tableOrder: readonly StateTable[] = [
  "conntrack",
  "ipvs",
  "route",
  "neighbour",
  "fdb",
  "ipset",
  "recent",
  "socket",
  "counter",
];

/**
 * The state of every namespace that the trace has come into, after the moment at `index`: what it held before, with the
 * changes of all steps so far. What the steps from `since` on did is marked. The namespace of the moment comes first.
 */
export function stateAt(
  { moments }: Course,
  index: number,
  { before = [], since = index }: { readonly before?: Trace["before"] | undefined; readonly since?: number } = {},
): readonly NamespaceAt[] {
  const snapshots = new Map<string, Snapshot>();
  const waiting = [...before];
  const namespaces = new Map<string, Tables>();
  for (const { step, index: at } of moments.slice(0, index + 1)) {
    const { namespace } = step;
    const fresh = waiting.findIndex((one) => one.namespace === namespace && one.beforeStep <= step.id);
    const [snapshot] = fresh < 0 ? [] : waiting.splice(fresh, 1);
    if (snapshot) snapshots.set(namespace, snapshot);
    const known = snapshot ? undefined : namespaces.get(namespace);
    const tables = known ?? tablesOf(snapshot);
    namespaces.set(namespace, tables);
    apply(tables, step, at >= since);
  }
  const here = moments[index]?.step.namespace;
  return [...namespaces]
    .map(([namespace, tables]) => ({
      namespace,
      tables: tableOrder
        .map((table) => tableAt(table, tables.get(table), snapshots.get(namespace)))
        .filter(({ entries }) => entries.length > 0),
    }))
    .filter(({ tables }) => tables.length > 0)
    .toSorted((a, b) => Number(b.namespace === here) - Number(a.namespace === here));
}

function tablesOf(snapshot: Snapshot | undefined): Tables {
  return new Map(
    (snapshot?.tables ?? []).map(({ table, entries }) => [
      table,
      new Map(entries.map(({ key, text }) => [key, { key, text }])),
    ]),
  );
}

function apply(tables: Tables, step: Step, now: boolean): void {
  for (const { table, action, key, before, after } of step.stateChanges ?? []) {
    const entries = entriesOf(tables, table);
    const known = entries.get(key);
    const old = before ?? known?.text;
    if (action !== "delete") {
      // What was added and then changed by the marked steps is new.
      const change = known?.change === "add" ? "add" : action;
      const was = known?.change === "update" ? known.before : old;
      const changed = now && { change, ...(change === "update" && was !== undefined && { before: was }) };
      entries.set(key, { key, text: after ?? "", ...changed });
    } else if (now) entries.set(key, { key, text: old ?? "", change: action });
    else entries.delete(key);
  }
  const found = usedBy(step);
  if (found === undefined) return;
  const entries = entriesOf(tables, found.table);
  // A trace without the state before still tells what was looked up.
  const known = [...entries.values()].find(({ key, text }) => key === found.key || text === found.key);
  const entry = known ?? { key: found.key, text: found.text };
  entries.set(entry.key, now ? { ...entry, used: true } : entry);
}

/** The first tuple of an entry as `conntrack -L` prints it: the key of its changes. */
const originalTuple = /src=\S+ dst=\S+(?: sport=\S+ dport=\S+| type=\S+ code=\S+ id=\S+)?/;

/** The entry that a lookup found. */
function usedBy(step: Step): { readonly table: StateTable; readonly key: string; readonly text: string } | undefined {
  switch (step.kind) {
    case "route": {
      if (step.route === undefined || step.table === "local") return undefined;
      const plain = step.table === undefined || step.table === "main";
      const key = plain ? step.route : `${step.route} table ${step.table}`;
      return { table: "route", key, text: key };
    }
    case "neighbour":
      if (step.action !== "hit" || step.mac === undefined) return undefined;
      return { table: "neighbour", key: `${step.address} dev ${step.device}`, text: `lladdr ${step.mac}` };
    case "bridge":
      if (step.action !== "forward" || step.mac === undefined) return undefined;
      return { table: "fdb", key: `${step.bridge} ${step.mac}`, text: `dev ${step.outPorts?.[0] ?? step.bridge}` };
    case "conntrack": {
      const key = originalTuple.exec(step.entry ?? "")?.[0];
      return key === undefined || step.action === "new"
        ? undefined
        : { table: "conntrack", key, text: step.entry ?? "" };
    }
    case "ipvs":
      return step.service === undefined ? undefined : { table: "ipvs", key: step.service, text: step.service };
    default:
      return undefined;
  }
}

function entriesOf(tables: Tables, table: StateTable): Map<string, EntryAt> {
  const entries = tables.get(table) ?? new Map<string, EntryAt>();
  tables.set(table, entries);
  return entries;
}

function tableAt(
  table: StateTable,
  entries: ReadonlyMap<string, EntryAt> | undefined,
  snapshot: Snapshot | undefined,
): TableAt {
  const all = [...(entries?.values() ?? [])];
  const touched = ({ change, used }: EntryAt): number => (change !== undefined ? 0 : used === true ? 1 : 2);
  return {
    table,
    entries: all.toSorted((a, b) => touched(a) - touched(b)),
    leftOut: snapshot?.tables.find((one) => one.table === table)?.leftOut ?? 0,
  };
}
