import { type Timer, nanosPerMilli, nanosPerSecond } from "../../kernel/clock.ts";
import type { SocketError, TcpConnection } from "../../kernel/socket/api.ts";
import { type Address, formatEndpoint } from "../../wire/address.ts";
import type { Payload } from "../../wire/packet.ts";
import type { ProbeCommand } from "./command.ts";
import { type ProbeContext, type ProbeResult, type RunProbe, errorDetails, once, outcomeOf } from "./probe.ts";

type CurlCommand = Extract<ProbeCommand, { tool: "curl" }>;

/**
 * curl 7.88.1: resolves, connects to the addresses one after another, sends one GET and reads the answer.
 * Messages and exit codes as that version prints them (measured).
 */
export const runCurl: RunProbe<CurlCommand> = (command, context, done) => {
  new Curl(command, context, done).start();
};

class Curl {
  readonly #command: CurlCommand;
  readonly #context: ProbeContext;
  readonly #done: (result: ProbeResult) => void;
  readonly #startNanos: number;
  readonly #timers: Timer[] = [];
  #connection: TcpConnection | undefined;
  #connected = false;

  constructor(command: CurlCommand, context: ProbeContext, done: (result: ProbeResult) => void) {
    this.#command = command;
    this.#context = context;
    this.#startNanos = context.clock.nowNanos();
    this.#done = once((result: ProbeResult) => {
      for (const timer of this.#timers) timer.cancel();
      done(result);
    });
  }

  start(): void {
    const { connectTimeoutSeconds, maxTimeSeconds, host, families } = this.#command;
    if (connectTimeoutSeconds !== undefined) this.#after(connectTimeoutSeconds, () => this.#connectTimedOut());
    if (maxTimeSeconds !== undefined) this.#after(maxTimeSeconds, () => this.#timedOut());
    this.#context.resolve(host, families, (resolution) => {
      switch (resolution.kind) {
        case "addresses":
          return this.#connect(resolution.addresses, 0);
        case "failed":
          return this.#done({
            outcome: resolution.error === "EAI_NONAME" ? "name-not-found" : "dns-error",
            message: `curl: (6) Could not resolve host: ${host}`,
            exitCode: 6,
          });
        case "unknown":
          return this.#done(unknown(resolution.reason));
      }
    });
  }

  #connect(addresses: readonly Address[], index: number): void {
    const { port, path, host } = this.#command;
    const address = addresses[index] as Address;
    const flow = this.#context.openFlow({
      protocol: "tcp",
      from: this.#context.namespace.name,
      to: formatEndpoint(address, port),
      purpose: `GET ${path} from ${host}`,
    });
    this.#connection = this.#context.namespace.sockets.connectTcp(
      { address, port },
      {
        connected: (connection) => this.#send(connection),
        received: (connection, payload) => this.#received(connection, payload),
        ended: () => this.#done(this.#failure("reset", 52, "Empty reply from server")),
        failed: (_, error) => this.#failed(error, addresses, index),
      },
      { flowKey: `${this.#context.key}:${index}`, process: "curl", ...(flow && { flow }) },
    );
    if (flow) flow.flow.from = formatEndpoint(this.#connection.local.address, this.#connection.local.port);
  }

  #send(connection: TcpConnection): void {
    this.#connected = true;
    const { scheme, path, host } = this.#command;
    if (scheme === "https") {
      connection.close();
      return this.#done(
        unknown(`TLS is not modelled: the TCP connection to ${host} was established, what follows is not known`),
      );
    }
    const line = `GET ${path} HTTP/1.1`;
    const length = `${line}\r\nHost: ${host}\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n`.length;
    connection.send({ kind: "http", line, host, length });
  }

  #received(connection: TcpConnection, payload: Payload): void {
    connection.close();
    const line = payload.kind === "http" ? payload.line : payload.kind === "bytes" ? (payload.text ?? "") : "";
    this.#done({ outcome: "answered", message: line, exitCode: 0 });
  }

  #failed(error: SocketError, addresses: readonly Address[], index: number): void {
    if (!this.#connected && index + 1 < addresses.length) return this.#connect(addresses, index + 1);
    const details = errorDetails(error);
    if (this.#connected) {
      const text =
        error.errno === "ETIMEDOUT" ? "Recv failure: Connection timed out" : "Recv failure: Connection reset by peer";
      return this.#done({ ...this.#failure(outcomeOf(error), 56, text), ...details });
    }
    const exitCode = error.errno === "ETIMEDOUT" ? 28 : 7;
    return this.#done({
      ...this.#failure(outcomeOf(error), exitCode, this.#connectText("Couldn't connect to server")),
      ...details,
    });
  }

  #connectTimedOut(): void {
    if (this.#connected) return;
    this.#connection?.abort();
    // Before there is an address curl 7.88.1 speaks of resolving, afterwards of connecting.
    const text =
      this.#connection === undefined
        ? `Resolving timed out after ${this.#elapsedMillis()} milliseconds`
        : this.#connectText("Timeout was reached");
    this.#done(this.#failure("timed-out", 28, text));
  }

  #timedOut(): void {
    this.#connection?.abort();
    const millis = this.#elapsedMillis();
    const text = this.#connected
      ? `Operation timed out after ${millis} milliseconds with 0 bytes received`
      : this.#connection === undefined
        ? `Resolving timed out after ${millis} milliseconds`
        : `Connection timed out after ${millis} milliseconds`;
    this.#done(this.#failure("timed-out", 28, text));
  }

  #connectText(reason: string): string {
    const { host, port } = this.#command;
    return `Failed to connect to ${host} port ${port} after ${this.#elapsedMillis()} ms: ${reason}`;
  }

  #failure(outcome: ProbeResult["outcome"], exitCode: number, text: string): ProbeResult {
    return { outcome, message: `curl: (${exitCode}) ${text}`, exitCode };
  }

  #elapsedMillis(): number {
    return Math.floor((this.#context.clock.nowNanos() - this.#startNanos) / nanosPerMilli);
  }

  #after(seconds: number, action: () => void): void {
    this.#timers.push(this.#context.clock.after(seconds * nanosPerSecond, action));
  }
}

function unknown(reason: string): ProbeResult {
  return { outcome: "unknown", message: reason, exitCode: 0, unknownBecause: [reason] };
}
