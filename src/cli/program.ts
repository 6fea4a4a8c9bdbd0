import { Command, CommanderError } from "commander";
import { FileError } from "../index.ts";
import { CliError, exitCodes } from "./exit.ts";
import type { Shell, Streams } from "./io.ts";
import { labVerb } from "./verbs/lab.ts";
import { replayVerb } from "./verbs/replay.ts";
import { rulesVerb } from "./verbs/rules.ts";
import { runVerb } from "./verbs/run.ts";
import { schemaVerb } from "./verbs/schema.ts";
import { traceVerb } from "./verbs/trace.ts";
import { viewVerb } from "./verbs/view.ts";

/** Parses the arguments, runs one verb and returns the exit code. Nothing it meets escapes as a stack trace but a bug. */
export async function main(args: readonly string[], streams: Streams, version: string): Promise<number> {
  const program = new Command("kubehop")
    .description("the network of a Kubernetes cluster, packet by packet: no cluster, no root, no server")
    .version(version)
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ writeOut: (text) => streams.out(text), writeErr: (text) => streams.note(text.trimEnd()) });
  let exitCode: number = exitCodes.ok;
  const shell: Shell = { ...streams, exitWith: (code) => (exitCode = code) };
  for (const verb of [traceVerb, runVerb, rulesVerb, replayVerb, labVerb, viewVerb, schemaVerb]) {
    const command = verb(shell).exitOverride();
    command.copyInheritedSettings(program);
    program.addCommand(command);
  }
  try {
    await program.parseAsync([...args], { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CliError) {
      streams.note(error.message);
      return error.exitCode;
    }
    if (error instanceof FileError) {
      streams.note(error.message.replaceAll(/^/gm, "error NO_SUCH_FILE: "));
      return exitCodes.badInput;
    }
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    streams.note(`internal error, please report it:\n${error instanceof Error ? error.stack : String(error)}`);
    return exitCodes.internal;
  }
}
