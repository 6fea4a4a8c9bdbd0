import { type Pair, type ParsedNode, Scalar, type YAMLMap, isMap, parseDocument, stringify } from "yaml";
import { looksLikeScenario } from "./parse.ts";

/** What a setting can be: a word, a number, yes or no, a list. */
export type SettingValue = string | number | boolean | readonly (string | number)[];

/** The files of an input, the opened one first. */
export interface InputFiles {
  readonly file: string;
  readonly text: string;
  readonly beside: readonly { readonly name: string; readonly text: string }[];
}

type Edited = InputFiles | { readonly problem: string };

/**
 * Writes one member of the scenario (`["cluster", "cni"]`) into its text, or takes it out where `value` is undefined;
 * nothing else of the text changes. Manifests without a scenario get one in front, with `probe` as its flow; JSON, which
 * cannot, is named by it.
 */
export function withSetting(
  input: InputFiles,
  path: readonly [string, string],
  value: SettingValue | undefined,
  probe: { readonly from: string; readonly run: string },
): Edited {
  const scenario = looksLikeScenario(input.text) ? input : withScenario(input, probe);
  const end = firstDocumentEnd(scenario.text);
  const head = scenario.text.slice(0, end);
  const edited = setIn(head, path, value);
  if (typeof edited !== "string") return edited;
  return { ...scenario, text: edited + scenario.text.slice(end) };
}

/** Where the first document ends: before the line `---` that begins the second. */
function firstDocumentEnd(text: string): number {
  const begin = /^(?:\s*(?:#[^\n]*|%[^\n]*)?\n)*---[^\n]*\n/.exec(text)?.[0].length ?? 0;
  const next = text.slice(begin).search(/^---/m);
  return next < 0 ? text.length : begin + next;
}

function withScenario({ file, text, beside }: InputFiles, { from, run }: { from: string; run: string }): InputFiles {
  const isJson = /^\uFEFF?\s*[[{]/.test(text);
  const scenario = {
    name: file,
    ...(isJson && { manifests: [file] }),
    flows: [{ name: run, from, run }],
  };
  const head = stringify(scenario, { lineWidth: 0 });
  if (!isJson) return { file, text: `${head}---\n${text.replace(/^---[^\n]*\n/, "")}`, beside };
  return { file: "scenario.yaml", text: head, beside: [{ name: file, text }, ...beside] };
}

function setIn(
  text: string,
  [outer, inner]: readonly [string, string],
  value: SettingValue | undefined,
): string | { readonly problem: string } {
  const document = parseDocument(text);
  const root = document.contents;
  if (document.errors.length > 0 || !isMap(root)) return { problem: "the scenario cannot be read; mend it first" };
  const section = pairOf(root, outer);
  const inside: unknown = section?.value;
  if (value === undefined) {
    const pair = isMap(inside) ? pairOf(inside, inner) : undefined;
    return pair === undefined ? text : without(text, inside as YAMLMap, pair);
  }
  if (section === undefined) return insert(text, root, `${outer}: { ${member(inner, value)} }`, 1);
  if (!isMap(inside)) {
    if (inside !== null && !(inside instanceof Scalar && inside.value === null))
      return { problem: `${outer} is no list of settings` };
    const at = rangeOf(section.key)[1];
    return `${text.slice(0, at)}: { ${member(inner, value)} }${text.slice(section.value === null ? at + 1 : Math.max(at + 1, rangeOf(inside)[1]))}`;
  }
  const pair = pairOf(inside, inner);
  if (pair === undefined) return insert(text, inside, member(inner, value), inside.items.length);
  const [start, end] = rangeOf(pair.value);
  return text.slice(0, start) + flow(value) + text.slice(end);
}

function pairOf(map: YAMLMap, key: string): Pair | undefined {
  return map.items.find((pair) => String(pair.key) === key);
}

/** Start and end of a node in the text, without what follows it on its line. */
function rangeOf(node: unknown): readonly [number, number] {
  const { range } = node as ParsedNode;
  return [range[0], range[1]];
}

function member(key: string, value: SettingValue): string {
  return `${flow(key)}: ${flow(value)}`;
}

/** A value on one line. */
function flow(value: SettingValue): string {
  return stringify(value, { collectionStyle: "flow", lineWidth: 0 }).trim();
}

/** Puts an entry into a map behind its first `after` entries: on the same line in `{ }`, else on a line of its own. */
function insert(text: string, map: YAMLMap, entry: string, after: number): string {
  const before = map.items[after - 1];
  if (map.flow === true) {
    const at = before === undefined ? rangeOf(map)[0] + 1 : endOf(before);
    const joint = before === undefined ? " " : ", ";
    const rest = text.slice(at);
    return `${text.slice(0, at)}${joint}${entry}${before === undefined && rest.startsWith("}") ? " " : ""}${rest}`;
  }
  if (before === undefined) return text;
  const start = rangeOf(before.key)[0];
  const indent = start - (text.lastIndexOf("\n", start - 1) + 1);
  const newline = text.indexOf("\n", endOf(before));
  const at = newline < 0 ? text.length : newline;
  return `${text.slice(0, at)}\n${" ".repeat(indent)}${entry}${text.slice(at)}`;
}

function endOf(pair: Pair): number {
  return pair.value === null ? rangeOf(pair.key)[1] + 1 : rangeOf(pair.value)[1];
}

/** Takes an entry out of a map, with its comma or its line. */
function without(text: string, map: YAMLMap, pair: Pair): string {
  const index = map.items.indexOf(pair);
  const [previous, next] = [map.items[index - 1], map.items[index + 1]];
  const [start, end] = [rangeOf(pair.key)[0], endOf(pair)];
  if (map.flow === true) {
    if (next !== undefined) return text.slice(0, start) + text.slice(rangeOf(next.key)[0]);
    if (previous !== undefined) return text.slice(0, endOf(previous)) + text.slice(end);
    return text.slice(0, start) + text.slice(end).replace(/^\s+/, "");
  }
  const line = text.lastIndexOf("\n", start - 1) + 1;
  const newline = text.indexOf("\n", end);
  const rest = newline < 0 ? "" : text.slice(newline + 1);
  // The last entry of a section leaves an empty one, which is no map any more.
  return map.items.length > 1 ? text.slice(0, line) + rest : `${text.slice(0, line).trimEnd()} {}\n${rest}`;
}
