import { decodeObject } from "../decode/object.ts";
import type { KubernetesObject } from "../objects.ts";
import { type Problem, ProblemList, compareText } from "../problem.ts";
import { JsonError, readJsonObjects } from "./json.ts";
import { originAt, placeOf } from "./origin.ts";
import { Source } from "./source.ts";
import { readYamlObjects } from "./yaml.ts";

/** One text of the input. */
export interface ManifestSource {
  /** As it is to stand in errors: the file's path, `-` for standard input. */
  readonly name: string;
  readonly text: string;
  /** Documents to leave out at the start: a scenario file's own. */
  readonly skipDocuments?: number;
}

export interface LoadOptions {
  /** The namespace of objects that state none (`-n`); `default`. */
  readonly namespace?: string;
  /** The largest YAML text read, in UTF-16 units; 16 MB (`--max-yaml`). JSON has no limit. */
  readonly maxYamlLength?: number;
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

/**
 * Reads manifests: YAML or JSON, many documents, Lists. All mistakes are reported at once; every object remembers its
 * place in its text.
 */
export function loadManifests(sources: readonly ManifestSource[], options: LoadOptions = {}): Loaded {
  const decoding = {
    problems: new ProblemList(),
    ignored: new Map<string, number>(),
    namespace: options.namespace ?? "default",
  };
  const objects: KubernetesObject[] = [];
  for (const { name, text, skipDocuments } of sources) {
    const source = new Source(name, text);
    const format = looksLikeJson(text) ? "json" : "yaml";
    if (format === "yaml" && text.length > (options.maxYamlLength ?? 16 * megabyte)) {
      const size = (text.length / megabyte).toFixed(1);
      decoding.problems.add("YAML_TOO_LARGE", `${name} has ${size} MB of YAML`, { origin: source.originAt(0) });
      continue;
    }
    const items =
      format === "json" ? readJson(source, decoding.problems) : readYaml(source, skipDocuments ?? 0, decoding.problems);
    for (const { value, start, end } of items) {
      const decoded = decodeObject(value, { source, start, end, format }, decoding);
      if (decoded !== undefined) objects.push(decoded);
    }
  }
  reportDuplicates(objects, decoding.problems);
  return { objects, problems: decoding.problems.sorted(), notes: notesOf(decoding.ignored, objects) };
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

function reportDuplicates(objects: readonly KubernetesObject[], problems: ProblemList): void {
  const seen = new Map<string, KubernetesObject>();
  for (const object of objects) {
    const key = objectKey(object);
    const first = seen.get(key);
    if (first === undefined) seen.set(key, object);
    else if (object.kind !== "Unmodelled") {
      const [place, firstPlace] = [placeOf(object), placeOf(first)];
      const firstOrigin = firstPlace && originAt(firstPlace);
      const stands = firstOrigin === undefined ? "" : `, first in ${firstOrigin.file}:${firstOrigin.line}`;
      const where = place === undefined ? {} : { origin: originAt(place) };
      problems.add("DUPLICATE_OBJECT", `${key} stands twice${stands}`, {
        object: key,
        path: "metadata.name",
        ...where,
      });
    }
  }
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
