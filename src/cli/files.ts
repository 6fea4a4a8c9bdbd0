import { Buffer } from "node:buffer";
import { closeSync, fstatSync, openSync, readFileSync, readSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { FileError, type ManifestSource } from "../index.ts";
import { textsOf } from "./large-json.ts";

/** A text and the name that messages call it by. */
export interface Source {
  readonly name: string;
  readonly text: string;
}

const manifestName = /\.(ya?ml|json)$/;

/** Reads one file; throws a FileError where that cannot be done. */
export function readSource(name: string): Source {
  return attempt(name, () => ({ name, text: readFileSync(name, "utf8") }));
}

/**
 * Reads what `-f` names: files, folders (their manifests; deeper ones with `recursive`), `-` for standard input. All
 * that cannot be read is named at once.
 */
export function readSources(names: readonly string[], recursive: boolean): ManifestSource[] {
  const missing: string[] = [];
  const sources = names.flatMap((name) => {
    try {
      return attempt(name, () => readNamed(name, recursive));
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      missing.push(error.message);
      return [];
    }
  });
  if (missing.length > 0) throw new FileError(missing.join("\n"));
  return sources;
}

function readNamed(name: string, recursive: boolean): ManifestSource[] {
  if (name === "-") return textsOf("<stdin>", readFileSync(0));
  if (!statSync(name).isDirectory()) return textsOf(name, readBytes(name));
  const sources = readFolder(name, recursive);
  if (sources.length === 0) throw new FileError(`${name} holds no .yaml, .yml or .json file`);
  return sources;
}

/** A file of any size: readFileSync stops at 2 GiB. */
function readBytes(path: string): Buffer {
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    if (size < 2 ** 30) return readFileSync(file);
    const bytes = Buffer.allocUnsafe(size);
    let read = 0;
    for (let count = -1; count !== 0 && read < size; read += count) {
      count = readSync(file, bytes, read, Math.min(size - read, 2 ** 30), null);
    }
    return bytes.subarray(0, read);
  } finally {
    closeSync(file);
  }
}

function readFolder(folder: string, recursive: boolean): ManifestSource[] {
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return recursive ? readFolder(path, recursive) : [];
    return manifestName.test(entry.name) ? textsOf(path, readBytes(path)) : [];
  });
}

function attempt<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    throw new FileError(`${name} cannot be read (${String(error.code)})`);
  }
}
