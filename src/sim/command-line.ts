import { TextError } from "../iptables/text-error.ts";
import type { NetworkNamespace } from "../kernel/namespace.ts";
import { runBridgeBatch, runIpBatch } from "../topology/ip-batch.ts";

/**
 * Runs a command line that somebody types in a namespace: `ip ...`, `bridge ...`, `sysctl -w NAME=VALUE`. Returns what
 * is wrong with it; undefined when it was carried out.
 */
export function runCommand(namespace: NetworkNamespace, line: string): string | undefined {
  const [program = "", ...words] = line.trim().split(/\s+/);
  const rest = words.join(" ");
  try {
    switch (program) {
      case "ip":
        return void runIpBatch(namespace, rest, line);
      case "bridge":
        return void runBridgeBatch(namespace, rest, line);
      case "sysctl":
        return setSysctl(namespace, rest);
      default:
        return `\`${program}\` is not a command that can be run; there are ip, bridge and sysctl`;
    }
  } catch (error) {
    if (error instanceof TextError) return error.problems.map(({ message }) => message).join("; ");
    throw error;
  }
}

function setSysctl(namespace: NetworkNamespace, words: string): string | undefined {
  const match = /^(?:-w\s+)?([\w./-]+)\s*=\s*(\d+)$/.exec(words);
  if (!match) return `\`sysctl ${words}\` sets nothing; write sysctl -w NAME=VALUE`;
  namespace.sysctls.set((match[1] as string).replaceAll("/", "."), Number(match[2]));
  return undefined;
}
