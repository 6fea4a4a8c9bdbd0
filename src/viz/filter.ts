import type { Owner, Step } from "../trace/records.ts";
import type { Course, Moment, Stop } from "./moments.ts";
import { endsOf } from "./packet-rows.ts";
import { packetAt } from "../trace/recorder.ts";

type Test = (moment: Moment) => boolean;

/** A filter that was understood, or what is wrong with it. */
export type Filter = { readonly matches: Test } | { readonly problem: string };

/** What a `key:` looks at. */
const keys: Readonly<Record<string, (moment: Moment) => readonly (string | undefined)[]>> = {
  kind: ({ step }) => [step.kind],
  where: ({ step }) => [step.namespace],
  effect: ({ tone }) => [tone],
  owner: ({ step }) => (step.owner === undefined ? [] : ownerWords(step.owner)),
  chain: ({ step }) => ("chain" in step ? [step.chain] : []),
  table: ({ step }) => ("table" in step ? [step.table] : []),
  packet: ({ packet }) => (packet === undefined ? [] : [String(packet.id)]),
  addr: ({ hop, stepIndex }) => (hop === undefined ? [] : [endsOf(packetAt(hop, stepIndex + 1))]),
  proto: ({ hop }) => [hop?.packet.protocol],
};
/** Numbers and kinds are compared whole, names in part. */
const wholeKeys: ReadonlySet<string> = new Set(["kind", "effect", "table", "packet", "proto"]);

export const filterKeys: readonly string[] = [...Object.keys(keys), "line"];

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
  const read = keys[key];
  // `http://web` and `::1` are words with a colon, not keys.
  if (read === undefined) return /^\/|^\d|^:/.test(value) ? anywhere(`${key}:${value}`) : `no key ${key}`;
  const fits = (one: string): boolean => (wholeKeys.has(key) ? one === value : one.includes(value));
  return (moment) => read(moment).some((one) => one !== undefined && fits(one.toLowerCase()));
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

function ownerWords({ kind, namespace = "", name }: Owner): readonly string[] {
  return [`${kind} ${namespace}/${name}`];
}

/** A stop is shown when one of its steps is. */
export function stopMatches({ moments }: Course, { first, last }: Stop, matches: Test): boolean {
  return moments.slice(first, last + 1).some(matches);
}
