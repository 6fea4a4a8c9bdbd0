import type { ManifestSource } from "../cluster/load/load.ts";
import type { ScenarioProblem } from "./parse.ts";
import type { Place } from "./scenario.ts";

/** Reads a file that a scenario names; throws a `FileError` where there is none. */
export type ReadFile = (path: string) => ManifestSource;

/** A file that cannot be read. The message says which and why. */
export class FileError extends Error {}

/** Reads a file that a scenario names, or says which line of it names what is not there. */
export function readNamed(
  readFile: ReadFile,
  file: string,
  path: string,
  place: Place,
): ManifestSource | ScenarioProblem {
  try {
    return readFile(resolvePath(file, path));
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    return { code: "NO_SUCH_FILE", file, ...place, message: error.message };
  }
}

/** `path` relative to the folder of `file`; `/` separates, as in URLs. */
export function resolvePath(file: string, path: string): string {
  if (path.startsWith("/")) return path;
  const folder = file.includes("/") ? file.slice(0, file.lastIndexOf("/") + 1) : "";
  const parts: string[] = [];
  for (const part of `${folder}${path}`.split("/")) {
    const last = parts.at(-1);
    if (part === ".." && last !== undefined && last !== "..") parts.length -= last === "" ? 0 : 1;
    else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
}
