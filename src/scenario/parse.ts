import { LineCounter, type Node as YamlNode, isMap, parseAllDocuments } from "yaml";
import { type Place, type Scenario } from "./scenario.ts";
import { Reader } from "./reader.ts";
import { readScenario } from "./read-scenario.ts";

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
  const documents = parseAllDocuments(text, { lineCounter, uniqueKeys: true, maxAliasCount: 100 } as Parameters<
    typeof parseAllDocuments
  >[1]);
  const [document] = documents;
  const placeAt = (offset: number): Place => {
    const { line, col } = lineCounter.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  if (document === undefined || !("contents" in document)) {
    return {
      problems: [
        {
          code: "EMPTY_SCENARIO",
          file,
          line: 1,
          column: 1,
          message: "the file is empty; a scenario has a name and flows",
        },
      ],
    };
  }
  const broken = document.errors.map((error) => ({
    code: error.code === "DUPLICATE_KEY" ? "DUPLICATE_KEY" : "BAD_YAML",
    file,
    ...placeAt(error.pos[0]),
    message: error.message.split("\n")[0] ?? error.message,
  }));
  if (broken.length > 0) return { problems: broken };
  const reader = new Reader(file, placeAt);
  const scenario = readScenario(reader, document.contents as YamlNode | null);
  if (reader.problems.length > 0 || scenario === undefined) return { problems: reader.problems };
  return { scenario, hasManifests: documents.length > 1 };
}

/** True when the first document of a text looks like a scenario rather than a Kubernetes object. */
export function looksLikeScenario(text: string): boolean {
  const [document] = parseAllDocuments(text);
  if (document === undefined || !("contents" in document) || !isMap(document.contents)) return false;
  return document.contents.has("flows") && !document.contents.has("apiVersion");
}
