import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Trace } from "../../src/trace/records.ts";

/** A hand-written trace of test/trace/fixtures. */
export function fixture(name: string): Trace {
  return JSON.parse(readFileSync(join(import.meta.dirname, "../trace/fixtures", `${name}.json`), "utf8")) as Trace;
}
