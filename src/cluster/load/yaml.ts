import {
  type Document,
  type DocumentOptions,
  type ParseOptions,
  type SchemaOptions,
  type Node as YamlNode,
  type ParsedNode,
  type ScalarTag,
  isMap,
  isScalar,
  isSeq,
  parseAllDocuments,
} from "yaml";
import type { ProblemCode } from "../codes.ts";

/** An object of a YAML text with its place. */
export interface YamlItem {
  readonly value: unknown;
  readonly start: number;
  readonly end: number;
}

export interface YamlFault {
  readonly code: ProblemCode;
  readonly message: string;
  readonly offset: number;
  readonly fix?: string;
}

export interface YamlObjects {
  readonly items: readonly YamlItem[];
  readonly faults: readonly YamlFault[];
}

// kubectl reads YAML with go-yaml v2, where yes and no are truth values: a label `yes` without quotes is refused.
const truthTag: ScalarTag = {
  tag: "tag:yaml.org,2002:bool",
  default: true,
  test: /^(?:yes|Yes|YES|on|On|ON|no|No|NO|off|Off|OFF)$/,
  resolve: (text) => /^(?:yes|on)$/i.test(text),
  stringify: ({ value }) => (value === true ? "yes" : "no"),
};

const parseOptions: ParseOptions & DocumentOptions & SchemaOptions = {
  version: "1.2",
  merge: true,
  uniqueKeys: true,
  customTags: [truthTag],
  logLevel: "silent",
  prettyErrors: false,
};

/** Aliases that may be resolved per document, counted with their nesting; the manifests of real charts need a few dozen. */
const maxAliases = 1000;

type Parsed = Document.Parsed<ParsedNode>;

/**
 * The objects of a YAML text: many documents, the items of Lists given one by one. `skip` leaves out the first
 * documents (a scenario's own).
 */
export function readYamlObjects(text: string, skip: number): YamlObjects {
  const items: YamlItem[] = [];
  const faults: YamlFault[] = [];
  const documents = parseDocuments(text, faults);
  for (const [index, document] of documents.entries()) {
    if (document.errors.length > 0) faults.push(...document.errors.map((error) => faultOf(error, text)));
    else if (index >= skip) items.push(...objectsOf(document, faults));
  }
  return { items, faults };
}

function parseDocuments(text: string, faults: YamlFault[]): readonly Parsed[] {
  try {
    const documents = parseAllDocuments(text, parseOptions);
    return "empty" in documents ? [] : documents;
  } catch (error) {
    // The parser recurses: only a text that is nested thousands deep gets here.
    if (!(error instanceof RangeError)) throw error;
    faults.push({ code: "YAML_SYNTAX", message: "the document is nested too deeply", offset: 0 });
    return [];
  }
}

function faultOf(error: Parsed["errors"][number], text: string): YamlFault {
  const offset = error.pos[0];
  if (error.code === "DUPLICATE_KEY") {
    const key = /^[^\s:]+/.exec(text.slice(offset))?.[0] ?? "";
    return { code: "YAML_DUPLICATE_KEY", message: `the key \`${key}\` stands twice in one mapping`, offset };
  }
  const message = error.message.replace(/\s+/g, " ").replace(/\.$/, "");
  if (text.includes("{{")) {
    const fix = "The text has `{{`: if it is a Helm template, render it first with `helm template`.";
    return { code: "YAML_SYNTAX", message, offset, fix };
  }
  return { code: "YAML_SYNTAX", message, offset };
}

function objectsOf(document: Parsed, faults: YamlFault[]): YamlItem[] {
  const { contents } = document;
  if (contents === null || (isScalar(contents) && contents.value === null)) return [];
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: maxAliases });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    faults.push({ code: "YAML_ALIASES", message, offset: contents.range[0] });
    return [];
  }
  const listed = isMap(contents) ? contents.get("items", true) : undefined;
  const values = (value as { readonly items?: unknown } | null)?.items;
  if (!isSeq(listed) || !Array.isArray(values)) return [{ value, start: contents.range[0], end: contents.range[1] }];
  return values.map((item: unknown, index) => {
    const range = (listed.items[index] as YamlNode | undefined)?.range ?? contents.range;
    return { value: item, start: range[0], end: range[1] };
  });
}

/** A parsed object that can say where its parts stand. */
export interface YamlPlaces {
  /** Offset from the object's start, or undefined when there is no such part. */
  offsetOf(path: readonly (string | number)[], wanted: "key" | "value"): number | undefined;
}

/** Parses one object again to find places in it. `indent` is the column where it starts, from 0. */
export function placesInYaml(text: string, indent: number): YamlPlaces {
  // An item of a List starts in the middle of a line; its further lines are indented as far as that.
  const [document] = parseAllDocuments(" ".repeat(indent) + text, parseOptions);
  return {
    offsetOf(path, wanted) {
      if (document === undefined || !("contents" in document)) return undefined;
      const node = wanted === "key" ? keyAt(document, path) : document.getIn(path, true);
      const range = (node as YamlNode | undefined)?.range;
      return range ? range[0] - indent : undefined;
    },
  };
}

function keyAt(document: Parsed, path: readonly (string | number)[]): unknown {
  const parent = document.getIn(path.slice(0, -1), true);
  if (!isMap(parent)) return document.getIn(path, true);
  const pair = parent.items.find(({ key }) => isScalar(key) && key.value === path.at(-1));
  return pair?.key;
}
