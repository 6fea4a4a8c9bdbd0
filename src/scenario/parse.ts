import { type Alias, Composer, type Document, LineCounter, Parser, isMap } from "yaml";
import { Reader } from "./reader.ts";
import { readScenario } from "./read-scenario.ts";
import type { Place, Scenario } from "./scenario.ts";

/** A mistake in a scenario file. */
export interface ScenarioProblem {
  readonly code: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

export interface ParsedScenario {
  readonly scenario: Scenario;
  /** True when manifests follow in the same file. */
  readonly hasManifests: boolean;
}

/** Parses a scenario file; all problems at once when it is not one. */
export function parseScenario(
  file: string,
  text: string,
): ParsedScenario | { readonly problems: readonly ScenarioProblem[] } {
  const lineCounter = new LineCounter();
  const placeAt = (offset: number): Place => {
    const { line, col } = lineCounter.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const { document, hasMore } = firstDocument(text, lineCounter);
  if (document === undefined || document.contents === null) {
    const message = "the file is empty; a scenario has a name and flows";
    return { problems: [{ code: "EMPTY_SCENARIO", file, line: 1, column: 1, message }] };
  }
  // The parser gives one error per level of a text that is nested beyond its reach.
  const faults = document.errors.filter(({ message }) => !message.includes("call stack"));
  if (faults.length < document.errors.length) {
    return { problems: [{ code: "BAD_YAML", file, line: 1, column: 1, message: "the file is nested too deeply" }] };
  }
  const broken = faults.map(({ code, pos, message }) => ({
    code: code === "DUPLICATE_KEY" ? "DUPLICATE_KEY" : "BAD_YAML",
    file,
    ...placeAt(pos[0]),
    message,
  }));
  if (broken.length > 0) return { problems: broken };
  const reader = new Reader(file, placeAt, (alias: Alias) => alias.resolve(document));
  const scenario = readScenario(reader, document.contents);
  if (reader.problems.length > 0 || scenario === undefined) return { problems: reader.problems };
  return { scenario, hasManifests: hasMore };
}

/** True when the first document of a text looks like a scenario rather than a Kubernetes object. */
export function looksLikeScenario(text: string): boolean {
  if (!mayBeScenario(text)) return false;
  const { document } = firstDocument(text, new LineCounter());
  return isMap(document?.contents) && document.contents.has("flows") && !document.contents.has("apiVersion");
}

/** A text in braces that is longer is a dump. */
const longestFlow = 100_000;

/** Keys of a document's first level begin a line: a long dump need not be parsed to see that it has other ones. */
function mayBeScenario(text: string): boolean {
  if (/^\uFEFF?\s*[[{]/.test(text)) return text.length <= longestFlow;
  const begin = /^(?:\uFEFF?[ \t]*(?:[#%][^\n]*)?\r?\n)*---[^\n]*\n/.exec(text)?.[0].length ?? 0;
  const end = text.slice(begin).search(/^---/m);
  const head = end < 0 ? text : text.slice(0, begin + end);
  return !/^apiVersion[ \t]*:/m.test(head) && (/^(?:["'? ]|\uFEFF)*flows/m.test(head) || /^\s*[{&!]/m.test(head));
}

/** Parses no further than it must: the manifests that follow are read with the others. */
function firstDocument(
  text: string,
  lineCounter: LineCounter,
): { readonly document: Document.Parsed | undefined; readonly hasMore: boolean } {
  const tokens = new Parser(lineCounter.addNewLine).parse(text);
  const documents = new Composer({ uniqueKeys: true }).compose(tokens);
  const first = documents.next();
  return first.done === true
    ? { document: undefined, hasMore: false }
    : { document: first.value as Document.Parsed, hasMore: documents.next().done !== true };
}
