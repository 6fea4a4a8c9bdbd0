import { packetAt } from "../trace/recorder.ts";
import type { Owner, Step } from "../trace/records.ts";
import type { Course, Moment, Stop } from "./moments.ts";
import { endsOf } from "./packet-rows.ts";

type Test = (moment: Moment) => boolean;

/** A filter that was understood, or what is wrong with it. */
export type Filter = { readonly matches: Test } | { readonly problem: string };

interface Field {
  readonly about: string;
  /** Numbers and kinds are compared whole, names in part. */
  readonly whole: boolean;
  readonly read: (moment: Moment) => readonly (string | undefined)[];
}

/** What a `key:` looks at. */
const fields: Readonly<Record<string, Field>> = {
  kind: { about: "kind of step", whole: true, read: ({ step }) => [step.kind] },
  where: { about: "network namespace", whole: false, read: ({ step }) => [step.namespace] },
  effect: { about: "what became of the packet", whole: true, read: ({ tone }) => [tone] },
  owner: {
    about: "object that is the reason",
    whole: false,
    read: ({ step }) => (step.owner === undefined ? [] : [ownerWords(step.owner)]),
  },
  chain: { about: "chain of rules", whole: false, read: ({ step }) => ("chain" in step ? [step.chain] : []) },
  table: { about: "table of rules", whole: true, read: ({ step }) => ("table" in step ? [step.table] : []) },
  addr: {
    about: "address or port of the packet",
    whole: false,
    read: ({ hop, stepIndex }) => (hop === undefined ? [] : [endsOf(packetAt(hop, stepIndex + 1))]),
  },
  proto: { about: "protocol", whole: true, read: ({ hop }) => [hop?.packet.protocol] },
  packet: {
    about: "number of the packet",
    whole: true,
    read: ({ packet }) => (packet === undefined ? [] : [String(packet.id)]),
  },
  line: {
    about: "manifest line that owns the step",
    whole: true,
    read: ({ step }) => (step.owner?.origin === undefined ? [] : [String(step.owner.origin.line)]),
  },
};

/** The keys with what they mean, in the order in which they are offered. */
export const filterKeys: readonly { readonly key: string; readonly about: string }[] = Object.entries(fields).map(
  ([key, { about }]) => ({ key, about }),
);

/** What `key:` can be followed by in a trace, the commonest first. */
export function filterValues({ moments }: Course, key: string): readonly string[] {
  const field = fields[key];
  if (field === undefined || key === "addr") return [];
  const counts = new Map<string, number>();
  for (const moment of moments) {
    for (const value of field.read(moment)) if (value !== undefined) counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  return [...counts].toSorted(([, a], [, b]) => b - a).map(([value]) => value);
}

/**
 * Reads a filter: words that must all be there, `key:value` terms, `-` before a term that must not hold, quotes around
 * spaces: `kind:nat where:node-a -owner:kube-dns "destination becomes"`. `line:web.yaml:12` and `line:12` mean steps
 * that the manifest line owns.
 */
export function parseFilter(text: string): Filter {
  const tests: Test[] = [];
  for (const [, minus, key, quoted, bare = ""] of text.matchAll(/(-)?(?:([a-z]+):)?(?:"([^"]*)"|(\S+))/g)) {
    const value = (quoted ?? bare).toLowerCase();
    const test = key === undefined ? anywhere(value) : keyed(key, value);
    if (typeof test === "string") return { problem: test };
    tests.push(minus === undefined ? test : (moment) => !test(moment));
  }
  return { matches: (moment) => tests.every((test) => test(moment)) };
}

function keyed(key: string, value: string): Test | string {
  if (key === "line") return ownedBy(value);
  const field = fields[key];
  // `http://web` and `::1` are words with a colon, not keys.
  if (field === undefined) return /^\/|^\d|^:/.test(value) ? anywhere(`${key}:${value}`) : `no key ${key}`;
  const fits = (one: string): boolean => (field.whole ? one === value : one.includes(value));
  return (moment) => field.read(moment).some((one) => one !== undefined && fits(one.toLowerCase()));
}

function anywhere(value: string): Test {
  return ({ step }) => [step.text, step.namespace, step.kind, ...raw(step)].join(" ").toLowerCase().includes(value);
}

function raw(step: Step): readonly string[] {
  switch (step.kind) {
    case "rule":
      return [step.chain, step.rules ?? ""];
    case "route":
      return [step.route ?? ""];
    case "conntrack":
      return [step.entry ?? ""];
    default:
      return [];
  }
}

function ownedBy(value: string): Test | string {
  const [, file = "", line] = /^(?:(.*):)?(\d+)$/.exec(value) ?? [];
  if (line === undefined) return "write line:12 or line:web.yaml:12";
  return ({ step }) => {
    const origin = step.owner?.origin;
    return origin?.line === Number(line) && origin.file.toLowerCase().endsWith(file);
  };
}

function ownerWords({ kind, namespace = "", name }: Owner): string {
  return `${kind} ${namespace}/${name}`;
}

/** A stop is shown when one of its steps is. */
export function stopMatches({ moments }: Course, { first, last }: Stop, matches: Test): boolean {
  return moments.slice(first, last + 1).some(matches);
}
