import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { AgentCommand, AgentEvent } from "./agent-protocol.ts";
import { LabError, inNamespace } from "./run.ts";

/** agent.ts beside this file, or agent.js where it was compiled. */
const script = fileURLToPath(import.meta.url).replace(/agent-process\.(\w+)$/, "agent.$1");

/** The process in a namespace that owns its sockets. */
export class AgentProcess {
  readonly #process: ChildProcess;
  #waiting = "";
  readonly #handlers = new Map<string, (event: AgentEvent) => void>();

  constructor(id: string) {
    const [program, words] = inNamespace(id, [process.execPath, ...process.execArgv, script]);
    this.#process = spawn(program, words, { stdio: ["pipe", "pipe", "inherit"] });
    if (this.#process.stdout === null) throw new LabError("an agent has no output");
    createInterface({ input: this.#process.stdout }).on("line", (line) => {
      const event = JSON.parse(line) as AgentEvent;
      this.#handlers.get(event.id)?.(event);
    });
  }

  /** Resolves when it takes commands. */
  ready(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.on("", () => resolve());
      this.#process.on("exit", (code) => reject(new LabError(`an agent ended with code ${code}`)));
    });
  }

  /** Hears of what happens to a socket. */
  on(id: string, handler: (event: AgentEvent) => void): void {
    this.#handlers.set(id, handler);
  }

  /** What is told in one turn arrives in one piece, so that datagrams sent together leave together. */
  tell(command: AgentCommand): void {
    if (this.#waiting === "") setImmediate(() => this.#flush());
    this.#waiting += `${JSON.stringify(command)}\n`;
  }

  #flush(): void {
    this.#process.stdin?.write(this.#waiting);
    this.#waiting = "";
  }

  stop(): void {
    this.#process.removeAllListeners("exit");
    this.#process.kill("SIGKILL");
  }
}
