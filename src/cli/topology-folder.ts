import { readFileSync, readdirSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { TextError } from "../iptables/text-error.ts";
import type { TopologyFiles } from "../topology/topology.ts";
import { CliError, exitCodes } from "./exit.ts";

/** The files of a topology folder by their path inside it. Throws a CliError. */
export function readFolder(folder: string): TopologyFiles {
  if (!isFolder(folder)) {
    throw new CliError(exitCodes.badInput, `error NO_SUCH_FILE ${folder}: there is no such folder`);
  }
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) =>
    statSync(join(folder, file)).isFile(),
  );
  return new Map(files.map((file) => [file, readFileSync(join(folder, file), "utf8")]));
}

/** Whether there is a folder of that name. */
export function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Runs something that reads such files: their problems become the command's. Throws a CliError. */
export function withTextErrors<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof TextError)) throw error;
    const lines = error.problems.map(
      ({ code, file, line, column, message }) => `${file}:${line}:${column}: error ${code}: ${message}`,
    );
    throw new CliError(exitCodes.badInput, lines.join("\n"));
  }
}

/** The shape of golden.json in the kernel cases. */
export function goldenText(folder: string, backend: string, flows: readonly object[]): string {
  return `${JSON.stringify({ dir: basename(resolve(folder)), backend, flows }, null, 1)}\n`;
}
