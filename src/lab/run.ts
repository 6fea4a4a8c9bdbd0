import { spawnSync } from "node:child_process";

/** Something that the lab ran and that failed: a bug of the lab, or a kernel that lacks something. */
export class LabError extends Error {}

/** The words that run a program in a namespace of the lab. */
export function inNamespace(id: string, command: readonly string[]): readonly [string, readonly string[]] {
  return ["nsenter", [`--net=/run/netns/${id}`, ...command]];
}

/** Runs a program to its end and returns what it printed. Throws a LabError when it fails. */
export function run(command: readonly string[], input = ""): string {
  const [program = "", ...words] = command;
  const { status, stdout, stderr, error } = spawnSync(program, words, {
    input,
    encoding: "utf8",
    maxBuffer: 64 * 2 ** 20,
  });
  if (error) throw new LabError(`${command.join(" ")}: ${error.message}`);
  if (status !== 0) throw new LabError(`${command.join(" ")}: ${stderr.trim()}`);
  return stdout;
}

/** The same in a namespace. */
export function runIn(id: string, command: readonly string[], input = ""): string {
  const [program, words] = inNamespace(id, command);
  return run([program, ...words], input);
}

/** Lines of `ip -batch`, which takes no flags in a line: those that begin with -6 have a batch of their own. */
export function ipBatches(text: string): readonly { readonly words: readonly string[]; readonly text: string }[] {
  const lines = text.split("\n");
  const v6 = lines.filter((line) => line.startsWith("-6 ")).map((line) => line.slice("-6 ".length));
  const others = lines.filter((line) => !line.startsWith("-6 "));
  return [
    { words: ["ip", "-batch", "-"], text: others.join("\n") },
    ...(v6.length > 0 ? [{ words: ["ip", "-6", "-batch", "-"], text: `${v6.join("\n")}\n` }] : []),
  ];
}
