import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { LabError, inNamespace } from "./run.ts";

/** The build copies it beside the compiled files. */
const script = fileURLToPath(new URL("recorder.pl", import.meta.url));

/** A frame as packet(7) tells it: the type is PACKET_HOST, PACKET_OUTGOING, ... of include/uapi/linux/if_packet.h. */
export interface SeenFrame {
  readonly device: number;
  readonly type: number;
  readonly bytes: Buffer;
}

/** `result connected`, `answer {...}`, `send sent`, `pmtu 1400`, in the order in which the client said it. */
export type ClientWord = readonly [key: string, value: string];

/** The process in a namespace that has its sockets and sees its packets. */
export class RecorderProcess {
  readonly #process: ChildProcess;
  #frames: SeenFrame[] = [];
  #rules: Buffer[] = [];
  #words: ClientWord[] = [];
  #connections: string[] = [];
  #failure: LabError | undefined;
  readonly #waiting = new Map<string, () => void>();

  constructor(id: string) {
    const [program, words] = inNamespace(id, ["perl", script]);
    this.#process = spawn(program, words, { stdio: ["pipe", "pipe", "inherit"] });
    this.#process.on("exit", (code) => this.#fail(`a recorder ended with code ${code}`));
    if (this.#process.stdout === null) throw new LabError("a recorder has no output");
    createInterface({ input: this.#process.stdout }).on("line", (line) => this.#hear(line));
  }

  /** Resolves when it records. */
  ready(): Promise<void> {
    return this.#wait("ready");
  }

  /** Opens a server that answers as `name`. */
  listen(protocol: "tcp" | "udp" | "sctp", address: string, port: number, name: string): void {
    this.#tell(["listen", protocol, address, `${port}`, name]);
  }

  /** Forgets connections and path MTUs. */
  forget(): void {
    this.#tell(["forget"]);
  }

  /** Runs a client; what it said is complete when its last packet has had its answer. Its socket is open still. */
  async runClient(words: readonly string[]): Promise<readonly ClientWord[]> {
    this.#words = [];
    this.#tell(["flow", ...words]);
    await this.#wait("client done");
    return this.#words;
  }

  /** Lets the client close its socket. */
  finishClient(): void {
    this.#tell(["finish"]);
  }

  /** The lines of the connection table. */
  async connections(): Promise<readonly string[]> {
    this.#connections = [];
    this.#tell(["connections"]);
    await this.#wait("listed");
    return this.#connections;
  }

  /** What was seen since the last time. */
  async drain(): Promise<{ readonly frames: readonly SeenFrame[]; readonly rules: readonly Buffer[] }> {
    this.#tell(["drain"]);
    await this.#wait("drained");
    const seen = { frames: this.#frames, rules: this.#rules };
    this.#frames = [];
    this.#rules = [];
    return seen;
  }

  stop(): void {
    this.#process.removeAllListeners("exit");
    this.#process.kill("SIGKILL");
  }

  #tell(words: readonly string[]): void {
    this.#process.stdin?.write(`${words.join(" ")}\n`);
  }

  #wait(line: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const go = (): void => (this.#failure === undefined ? resolve() : reject(this.#failure));
      if (this.#failure === undefined) this.#waiting.set(line, go);
      else go();
    });
  }

  #fail(message: string): void {
    this.#failure ??= new LabError(message);
    for (const go of this.#waiting.values()) go();
    this.#waiting.clear();
  }

  #hear(line: string): void {
    const [verb = "", first = "", second = "", hex = ""] = line.split(" ", 4);
    if (verb === "frame") {
      this.#frames.push({ device: Number(first), type: Number(second), bytes: Buffer.from(hex, "hex") });
    } else if (verb === "rule") this.#rules.push(Buffer.from(first, "hex"));
    else if (verb === "connection") this.#connections.push(line.slice("connection ".length));
    else if (verb === "failed") this.#fail(`a recorder says: ${line}`);
    else if (this.#waiting.has(line)) {
      const go = this.#waiting.get(line);
      this.#waiting.delete(line);
      go?.();
    } else if (verb === "client") this.#words.push([first, line.split(" ").slice(2).join(" ")]);
  }
}
