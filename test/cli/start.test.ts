import { readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, test } from "vitest";
import { root } from "./kubehop.ts";

/** The files that are loaded before the program knows what it is asked for: `import()` and types are not followed. */
function loadedAtStart(file: string, seen = new Set<string>()): ReadonlySet<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  const text = readFileSync(file, "utf8");
  for (const [, what = "", from = ""] of text.matchAll(/^(?:import|export) ([^;]*?)from "(\.[^"]+)"/gm)) {
    const isType = what.startsWith("type ") || /^\{(?:\s*type [^,}]+,?)+\s*\}\s*$/.test(what);
    if (!isType) loadedAtStart(resolve(dirname(file), from), seen);
  }
  return seen;
}

test("kubehop --version loads no engine", () => {
  const files = [...loadedAtStart(join(root, "src/cli/main.ts"))].map((file) => relative(join(root, "src"), file));
  expect(files.filter((file) => !file.startsWith("cli/"))).toEqual(["scenario/read-file.ts"]);
  expect(files.filter((file) => file.startsWith("cli/verbs/"))).toEqual(["cli/verbs/index.ts"]);
});
