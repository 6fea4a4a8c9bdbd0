import { execFileSync, spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Why a test file cannot run here, printed; with KUBEHOP_REQUIRE=all an error. Each tool is asked for its version. */
export function skipReason(file: string, tools: readonly (readonly string[])[]): string | undefined {
  const reason = process.getuid?.() === 0 ? missing([["ip", "-V"], ["nsenter", "-V"], ...tools]) : "needs root";
  if (reason === undefined) return undefined;
  if (process.env["KUBEHOP_REQUIRE"] === "all") throw new Error(`${file}: ${reason}`);
  console.warn(`skipped: ${file}: ${reason}`);
  return reason;
}

function missing(tools: readonly (readonly string[])[]): string | undefined {
  try {
    for (const [tool = "", ...args] of tools) execFileSync(tool, args, { stdio: "ignore" });
    return undefined;
  } catch (error) {
    return String(error);
  }
}

/** Tells the kernel lines of `ip`, all of them by one process. */
function ip(lines: readonly string[]): void {
  execFileSync("ip", ["-batch", "-"], { input: `${lines.join("\n")}\n`, stdio: "pipe" });
}

export interface Command {
  readonly words: readonly string[];
  /** Its standard input. */
  readonly input?: string;
}

/** How a command ended, and what it said. */
export interface Said {
  readonly status: number;
  readonly out: string;
  readonly complaint: string;
}

/** A network namespace of this machine's kernel, made for a test. */
export class TestNamespace {
  readonly name: string;
  /** The lock of iptables-legacy, which all namespaces share otherwise: who meets it held by another gives up. */
  readonly #lock: string;

  constructor(name: string) {
    this.name = name;
    this.#lock = join(tmpdir(), `${name}.lock`);
  }

  static makeAll(all: readonly TestNamespace[]): void {
    ip(all.map(({ name }) => `netns add ${name}`));
  }

  static deleteAll(all: readonly TestNamespace[]): void {
    ip(all.map(({ name }) => `netns delete ${name}`));
    for (const one of all) rmSync(one.#lock, { force: true });
  }

  make(): void {
    TestNamespace.makeAll([this]);
  }

  delete(): void {
    TestNamespace.deleteAll([this]);
  }

  /** How a command is started in the namespace: `ip netns exec` would make a file system of its own each time. */
  entering(...words: readonly string[]): readonly [command: string, args: readonly string[]] {
    return ["nsenter", [`--net=/run/netns/${this.name}`, ...words]];
  }

  /** Runs commands one after another, by one shell. */
  runAll(commands: readonly Command[]): readonly Said[] {
    const script = commands.map(
      ({ words, input = "" }) =>
        `${words.map(quoted).join(" ")} <<'END-OF-INPUT'\n${input.replace(/\n?$/, "\n")}END-OF-INPUT\nprintf '\\0%s\\0' $?; printf '\\0' >&2`,
    );
    const [command, args] = this.entering("sh");
    const { stdout, stderr } = spawnSync(command, args, {
      input: script.join("\n"),
      encoding: "utf8",
      env: { ...process.env, XTABLES_LOCKFILE: this.#lock },
      maxBuffer: 64 * 2 ** 20,
    });
    const said = stdout.split("\0");
    const complaints = stderr.split("\0");
    return commands.map((_, index) => ({
      status: Number(said[2 * index + 1] ?? NaN),
      out: said[2 * index] ?? "",
      complaint: complaints[index] ?? "",
    }));
  }

  /** Runs commands that must not fail. */
  mustRunAll(commands: readonly Command[]): readonly string[] {
    return this.runAll(commands).map(({ status, out, complaint }, index) => {
      if (status !== 0) throw new Error(`${commands[index]?.words.join(" ")}: ${complaint}`);
      return out;
    });
  }
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
