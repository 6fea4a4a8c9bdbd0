import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { gzipSync } from "node:zlib";

/** What a file makes the browser fetch at once: tags, static imports, styles. `import()` is left for later. */
const references: Readonly<Record<string, readonly RegExp[]>> = {
  ".html": [/(?:src|href)="([^"]+\.(?:js|css|svg))"/g],
  ".js": [/(?:\bfrom|\bimport)\s*["'`]([^"'`]+\.js)["'`]/g],
  ".css": [],
};
/** The engine's worker, which starts when something is first run. */
const worker = /new URL\(\s*(?:""\s*\+\s*)?["'`]([^"'`]+\.js)["'`]/g;

/** Bytes of all files of the page, each gzipped: those that it loads by itself, and with `engine` its worker too. */
export function pageBytes(folder: string, { engine }: { readonly engine: boolean }): number {
  const seen = new Set<string>();
  const open = [join(folder, "index.html")];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (seen.has(file)) continue;
    seen.add(file);
    const text = readFileSync(file, "utf8");
    const patterns = [...(references[file.slice(file.lastIndexOf("."))] ?? []), ...(engine ? [worker] : [])];
    for (const [, path = ""] of patterns.flatMap((pattern) => [...text.matchAll(pattern)])) {
      const target = [join(dirname(file), path), join(folder, path)].find(existsSync);
      if (target !== undefined) open.push(target);
    }
  }
  const files = [...seen];
  if (!files.some((file) => relative(folder, file).endsWith(".js"))) throw new Error("the page loads no script");
  return files.reduce((sum, file) => sum + gzipSync(readFileSync(file), { level: 9 }).length, 0);
}
