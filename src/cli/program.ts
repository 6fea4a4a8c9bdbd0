import { Command, CommanderError } from "commander";
import { FileError } from "../scenario/read-file.ts";
import { CliError, exitCodes } from "./exit.ts";
import type { Shell, Streams } from "./io.ts";
import { type Verb, verbs } from "./verbs/index.ts";

/** Parses the arguments, runs one verb and returns the exit code. Nothing it meets escapes as a stack trace but a bug. */
export async function main(args: readonly string[], streams: Streams, version: string): Promise<number> {
  const program = new Command("kubehop")
    .description("the network of a Kubernetes cluster, packet by packet: no cluster, no root, no server")
    .version(version)
    .enablePositionalOptions()
    .configureHelp({ subcommandTerm: (command) => `${command.name()} ${command.usage()}` })
    .exitOverride()
    .configureOutput({ writeOut: (text) => streams.out(text), writeErr: (text) => streams.note(text.trimEnd()) });
  let exitCode: number = exitCodes.ok;
  const shell: Shell = { ...streams, exitWith: (code) => (exitCode = code) };
  const [first, second] = args.filter((word) => !word.startsWith("-"));
  const wanted = first === "help" ? second : first;
  try {
    for (const verb of verbs) {
      const command = verb.name === wanted ? (await verb.load())(shell) : listed(verb);
      command.exitOverride().copyInheritedSettings(program);
      program.addCommand(command);
    }
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

/** A verb as far as the list of verbs needs it. */
function listed({ name, usage, does }: Verb): Command {
  return new Command(name).usage(usage).description(does);
}
