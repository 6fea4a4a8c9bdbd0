import { readFileSync } from "node:fs";
import { CliError, exitCodes } from "./exit.ts";
import type { Source } from "./files.ts";

/** Reads a scenario, or a manifest that it names. */
export function readScenarioFile(name: string): Source {
  try {
    return { name, text: readFileSync(name, "utf8") };
  } catch {
    throw new CliError(exitCodes.badInput, `error NO_SUCH_FILE ${name}: cannot be read`);
  }
}
