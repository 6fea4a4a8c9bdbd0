import { existsSync } from "node:fs";

/**
 * A file of this package by its path from the package's folder: this code stands at another depth as a source, compiled,
 * and bundled.
 */
export function packageFile(path: string): URL {
  let folder = new URL(".", import.meta.url);
  while (!existsSync(new URL("package.json", folder))) folder = new URL("..", folder);
  return new URL(path, folder);
}
