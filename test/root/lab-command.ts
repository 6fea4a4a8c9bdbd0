import { spawnSync } from "node:child_process";
import { join, resolve } from "node:path";
import { whyNoLab } from "../../src/lab/private-world.ts";

export const root: string = resolve(import.meta.dirname, "../..");

/** Why there is no lab here, printed; with KUBEHOP_REQUIRE=all an error. */
export function skipReason(file: string): string | undefined {
  const reason = whyNoLab();
  if (reason === undefined) return undefined;
  if (process.env["KUBEHOP_REQUIRE"] === "all") throw new Error(`${file}: ${reason}`);
  console.warn(`skipped: ${file}: ${reason}`);
  return reason;
}

export interface LabRun {
  readonly status: number | null;
  readonly stdout: string;
  readonly text: string;
}

/** Runs `kubehop lab` from the sources; `before` are options of node. */
export function lab(words: readonly string[], before: readonly string[] = []): LabRun {
  return command([...before, "--import", "tsx", join(root, "src/cli/main.ts"), "lab", ...words]);
}

/** Runs node in the repository. */
export function command(words: readonly string[]): LabRun {
  const { status, stdout, stderr } = spawnSync(process.execPath, words, {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1" },
    maxBuffer: 256 * 2 ** 20,
  });
  return { status, stdout, text: `${stdout}${stderr}` };
}
