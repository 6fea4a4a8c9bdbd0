import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { CliError, exitCodes } from "./exit.ts";

/** A text and the name that messages call it by. */
export interface Source {
  readonly name: string;
  readonly text: string;
}

const manifestName = /\.(ya?ml|json)$/;

/** Reads what `-f` names: files, folders (their manifests; deeper ones with `recursive`), `-` for standard input. */
export function readSources(names: readonly string[], recursive: boolean): Source[] {
  return names.flatMap((name) => {
    if (name === "-") return [{ name: "<stdin>", text: readFileSync(0, "utf8") }];
    try {
      return statSync(name).isDirectory() ? readFolder(name, recursive) : [{ name, text: readFileSync(name, "utf8") }];
    } catch (error) {
      throw new CliError(exitCodes.badInput, `error NO_SUCH_FILE ${name}: cannot be read (${reasonOf(error)})`);
    }
  });
}

function readFolder(folder: string, recursive: boolean): Source[] {
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return recursive ? readFolder(path, recursive) : [];
    return manifestName.test(entry.name) ? [{ name: path, text: readFileSync(path, "utf8") }] : [];
  });
}

function reasonOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}
