import { decodeObject } from "../decode/object.ts";
import type { KubernetesObject } from "../objects.ts";
import { type Problem, ProblemList, compareText } from "../problem.ts";
import { JsonError, readJsonObjects } from "./json.ts";
import { originOf } from "./origin.ts";
import { Source, type TextPlace } from "./source.ts";
import { readYamlObjects } from "./yaml.ts";

/** One text of the input. */
export interface ManifestSource {
  /** As it is to stand in errors: the file's path, `-` for standard input. */
  readonly name: string;
  readonly text: string;
  /** Where in the file the text begins, when it is a part of it. */
  readonly begin?: TextPlace;
  /** Documents to leave out at the start: a scenario file's own. */
  readonly skipDocuments?: number;
}

export interface LoadOptions {
  /** The namespace of objects that state none (`-n`); `default`. */
  readonly namespace?: string;
  /** The largest YAML text read, in UTF-16 units; 16 MB (`--max-yaml`). JSON has no limit. */
  readonly maxYamlLength?: number;
  /** Read also what the API server would refuse, with a warning, where a usable object is left. */
  readonly lenient?: boolean;
  /** The objects are as the API server hands them out: what is absent gets no default. */
  readonly isAsGiven?: boolean;
  /** Told now and then how many objects have been read. */
  readonly progress?: (objects: number) => void;
}

/** What was read. Nothing is to be run while `problems` holds an error. */
export interface Loaded {
  /** Checked and defaulted, in the order of the input. */
  readonly objects: readonly KubernetesObject[];
  /** Errors and warnings, by file and line. */
  readonly problems: readonly Problem[];
  /** Sentences about the input as a whole: what was left out. */
  readonly notes: readonly string[];
}

const megabyte = 1024 * 1024;
/** Objects between two reports of progress. */
const reportEvery = 1000;

/**
 * Reads manifests: YAML or JSON, many documents, Lists. All mistakes are reported at once; every object remembers its
 * place in its text.
 */
export function loadManifests(sources: readonly ManifestSource[], options: LoadOptions = {}): Loaded {
  const isAsGiven = options.isAsGiven ?? false;
  const lenient = options.lenient ?? isAsGiven;
  const decoding = {
    problems: new ProblemList(lenient),
    ignored: new Map<string, number>(),
    namespace: options.namespace ?? "default",
    lenient,
    isAsGiven,
  };
  const objects: KubernetesObject[] = [];
  let read = 0;
  for (const { name, text, skipDocuments, begin } of sources) {
    const source = new Source(name, text, begin);
    const format = looksLikeJson(text) ? "json" : "yaml";
    if (format === "yaml" && text.length > (options.maxYamlLength ?? 16 * megabyte)) {
      const size = (text.length / megabyte).toFixed(1);
      decoding.problems.add("YAML_TOO_LARGE", `${name} has ${size} MB of YAML`, { origin: source.originAt(0) });
      continue;
    }
    const items =
      format === "json" ? readJson(source, decoding.problems) : readYaml(source, skipDocuments ?? 0, decoding.problems);
    for (const { value, start, end } of items) {
      if (options.progress && ++read % reportEvery === 0) options.progress(read);
      const decoded = decodeObject(value, { source, start, end, format }, decoding);
      if (decoded !== undefined) objects.push(decoded);
    }
  }
  const distinct = withoutDuplicates(objects, decoding.problems);
  return { objects: distinct, problems: decoding.problems.sorted(), notes: notesOf(decoding.ignored, distinct) };
}

/** Not YAML's flow style, whose keys have no quotes, nor a template. */
function looksLikeJson(text: string): boolean {
  return /^\uFEFF?\s*(?:\{\s*["}]|\[)/.test(text);
}

function* readJson(source: Source, problems: ProblemList): ReturnType<typeof readJsonObjects> {
  try {
    yield* readJsonObjects(source.text);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    problems.add("JSON_SYNTAX", error.message, { origin: source.originAt(error.offset) });
  }
}

function readYaml(source: Source, skip: number, problems: ProblemList): ReturnType<typeof readYamlObjects>["items"] {
  const { items, faults } = readYamlObjects(source.text, skip);
  for (const { code, message, offset, fix } of faults) {
    problems.add(code, message, { origin: source.originAt(offset) }, fix);
  }
  return items;
}

/** Kind, namespace and name: what the API server holds one of. */
export function objectKey(object: KubernetesObject): string {
  const kind = object.kind === "Unmodelled" ? object.apiKind : object.kind;
  return `${kind} ${object.metadata.namespace === "" ? "" : `${object.metadata.namespace}/`}${object.metadata.name}`;
}

/** The last of several objects with one name stays, as with `kubectl apply`; each other is reported. */
function withoutDuplicates(objects: readonly KubernetesObject[], problems: ProblemList): readonly KubernetesObject[] {
  const seen = new Map<string, KubernetesObject>();
  for (const object of objects) {
    const key = objectKey(object);
    const first = seen.get(key);
    if (first !== undefined && object.kind !== "Unmodelled") {
      const stands = originText(first);
      const origin = originOf(object, ["metadata", "name"]);
      const message = `${key} stands twice${stands === "" ? "" : `, first in ${stands}`}`;
      problems.add("DUPLICATE_OBJECT", message, { object: key, path: "metadata.name", ...(origin && { origin }) });
    }
    seen.set(key, object);
  }
  return seen.size === objects.length ? objects : [...seen.values()];
}

function originText(object: KubernetesObject): string {
  const origin = originOf(object);
  return origin === undefined ? "" : `${origin.file}:${origin.line}`;
}

function notesOf(ignored: ReadonlyMap<string, number>, objects: readonly KubernetesObject[]): string[] {
  const unmodelled = new Map<string, number>();
  for (const object of objects) {
    if (object.kind === "Unmodelled") unmodelled.set(object.apiKind, (unmodelled.get(object.apiKind) ?? 0) + 1);
  }
  const notes: string[] = [];
  if (ignored.size > 0) notes.push(`left out, having no part in the network: ${countsText(ignored)}`);
  if (unmodelled.size > 0)
    notes.push(`not modelled, so that the outcome is unknown where they could matter: ${countsText(unmodelled)}`);
  return notes;
}

function countsText(counts: ReadonlyMap<string, number>): string {
  const sorted = [...counts].toSorted(([a], [b]) => compareText(a, b));
  return sorted.map(([kind, count]) => `${count} ${kind}`).join(", ");
}
