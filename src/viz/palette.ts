import type { Owner } from "../trace/records.ts";
import type { Inventory } from "./inventory.ts";
import type { Course, Moment } from "./moments.ts";

/** Something that the palette offers. */
export interface PaletteEntry {
  readonly group: string;
  readonly label: string;
  /** The key that does the same, or where it is. */
  readonly hint?: string;
}

/** How many of one group are shown for a query, and before anything is typed. */
const mostOfGroup = 8;
const fewOfGroup = 5;
/** Shorter words are found in too many steps. */
const shortestText = 3;

/**
 * The entries that hold every word of a query: those whose name begins with it first, then those with a word that does.
 * Without a query the first few of each group.
 */
export function ranked<E extends PaletteEntry>(entries: readonly E[], query: string): readonly E[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const scored = entries.flatMap((entry) => {
    const score = scoreOf(entry, words);
    return score === undefined ? [] : [{ entry, score }];
  });
  const most = words.length === 0 ? fewOfGroup : mostOfGroup;
  const groups = new Map<string, { readonly best: number; readonly entries: E[] }>();
  for (const { entry, score } of scored.toSorted((a, b) => a.score - b.score)) {
    const group = groups.get(entry.group);
    if (group === undefined) groups.set(entry.group, { best: score, entries: [entry] });
    else if (group.entries.length < most) group.entries.push(entry);
  }
  return [...groups.values()].toSorted((a, b) => a.best - b.best).flatMap((group) => group.entries);
}

function scoreOf({ label, group }: PaletteEntry, words: readonly string[]): number | undefined {
  const text = label.toLowerCase();
  let score = 0;
  for (const word of words) {
    const at = text.indexOf(word);
    if (at < 0 && !group.toLowerCase().includes(word)) return undefined;
    score += at === 0 ? 0 : at > 0 && !/\w/.test(text.charAt(at - 1)) ? 1 : at > 0 ? 2 : 3;
  }
  return score;
}

/** A place or a thing by name, and the first step that it has to do with; without one the trace never saw it. */
export interface Named extends PaletteEntry {
  readonly name: string;
  readonly moment: number | undefined;
}

/** Nodes, pods and Services of the input. */
export function namedThings({ moments }: Course, { nodes, pods, services }: Inventory): readonly Named[] {
  const firstIn = firstBy(moments, ({ step }) => step.namespace);
  const firstOf = firstBy(moments, ({ step }) => serviceOf(step.owner));
  const places = new Set([...nodes, ...pods].map(({ name }) => name));
  const others = [...firstIn.keys()].filter((name) => !places.has(name));
  return [
    ...nodes.map(({ name }) => named("Nodes", name, firstIn.get(name))),
    ...pods.map(({ name }) => named("Pods", name, firstIn.get(name))),
    ...services.map(({ host }) => named("Services", host, firstOf.get(host))),
    ...others.map((name) => named("Elsewhere", name, firstIn.get(name))),
  ];
}

function named(group: string, name: string, moment: number | undefined): Named {
  return { group, label: name, name, moment, hint: moment === undefined ? "not in this trace" : `step ${moment + 1}` };
}

/** `web.shop`, as the inventory names a Service. */
function serviceOf(owner: Owner | undefined): string | undefined {
  return owner?.kind === "Service" ? `${owner.name}.${owner.namespace ?? "default"}` : undefined;
}

function firstBy(moments: readonly Moment[], key: (moment: Moment) => string | undefined): ReadonlyMap<string, number> {
  const first = new Map<string, number>();
  for (const moment of moments) {
    const name = key(moment);
    if (name !== undefined && !first.has(name)) first.set(name, moment.index);
  }
  return first;
}

/** Steps by number (`17`, `step 17`) or by what they say. */
export function stepsNamed(
  { moments }: Course,
  query: string,
): readonly (PaletteEntry & { readonly moment: number })[] {
  const number = /^(?:step\s+)?(\d+)$/i.exec(query.trim())?.[1];
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const found = moments.filter(({ index, step }) =>
    number === undefined
      ? query.trim().length >= shortestText && words.every((word) => step.text.toLowerCase().includes(word))
      : index + 1 === Number(number),
  );
  return found.slice(0, mostOfGroup).map(({ index, step }) => ({
    group: "Steps",
    label: `${index + 1}  ${step.text}`,
    hint: step.namespace,
    moment: index,
  }));
}
