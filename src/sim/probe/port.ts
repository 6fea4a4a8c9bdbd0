import { type Timer, nanosPerMilli, nanosPerSecond } from "../../kernel/clock.ts";
import type { Endpoint, SocketError, TcpConnection } from "../../kernel/socket/api.ts";
import { type Address, formatEndpoint } from "../../wire/address.ts";
import type { Payload } from "../../wire/packet.ts";
import type { ProbeCommand } from "./command.ts";
import { type ProbeContext, type ProbeResult, type RunProbe, errorDetails, once, outcomeOf } from "./probe.ts";

type PortCommand = Extract<ProbeCommand, { tool: "tcp" | "udp" | "sctp" }>;

/** How long an answer is waited for, once the datagram is sent or the connection made. */
const answerNanos = 5 * nanosPerSecond;

/** `tcp HOST:PORT` and `sctp HOST:PORT` connect, say hello and read a line; `udp HOST:PORT` sends one datagram and waits for one. */
export const runPort: RunProbe<PortCommand> = (command, context, done) => {
  context.resolve(command.host, ["ipv4", "ipv6"], (resolution) => {
    switch (resolution.kind) {
      case "addresses": {
        const remote = { address: resolution.addresses[0] as Address, port: command.port };
        if (command.tool === "udp") return udp(context, remote, once(done));
        return stream(command.tool, context, remote, once(done));
      }
      case "failed":
        return done({
          outcome: resolution.error === "EAI_NONAME" ? "name-not-found" : "dns-error",
          message: `${command.host}: ${resolution.reason}`,
          exitCode: 1,
        });
      case "unknown":
        return done({
          outcome: "unknown",
          message: resolution.reason,
          exitCode: 0,
          unknownBecause: [resolution.reason],
        });
    }
  });
};

const hello: Payload = { kind: "bytes", length: 6, text: "hello" };

function stream(
  protocol: "tcp" | "sctp",
  context: ProbeContext,
  remote: Endpoint,
  done: (result: ProbeResult) => void,
): void {
  const { namespace, clock } = context;
  const to = formatEndpoint(remote.address, remote.port);
  const startNanos = clock.nowNanos();
  let silence: Timer | undefined;
  const finish = (result: ProbeResult): void => {
    silence?.cancel();
    done(result);
  };
  const flow = context.openFlow({ protocol, from: namespace.name, to, purpose: `connect to ${to}` });
  const connection: TcpConnection = namespace.sockets[protocol === "tcp" ? "connectTcp" : "connectSctp"](
    remote,
    {
      connected: (open) => {
        open.send(hello);
        silence = clock.after(answerNanos, () => {
          open.close();
          finish({ outcome: "timed-out", message: `${to} accepted the connection and did not answer`, exitCode: 1 });
        });
      },
      ended: (open) => {
        open.close();
        finish({ outcome: "reset", message: `${to} closed the connection without an answer`, exitCode: 1 });
      },
      received: (open) => {
        open.close();
        finish({ outcome: "answered", message: `${to} answered`, exitCode: 0 });
      },
      failed: (_, error) => finish(failure(to, error, clock.nowNanos() - startNanos)),
    },
    { flowKey: context.key, process: protocol, ...(flow && { flow }) },
  );
  if (flow) flow.flow.from = formatEndpoint(connection.local.address, connection.local.port);
}

function udp(context: ProbeContext, remote: Endpoint, done: (result: ProbeResult) => void): void {
  const { namespace, clock } = context;
  const to = formatEndpoint(remote.address, remote.port);
  const startNanos = clock.nowNanos();
  const flow = context.openFlow({ protocol: "udp", from: namespace.name, to, purpose: `datagram to ${to}` });
  const silence = clock.after(answerNanos, () =>
    finish({ outcome: "timed-out", message: `${to} did not answer`, exitCode: 1 }),
  );
  const socket = namespace.sockets.openUdp(
    remote,
    {
      received: () => finish({ outcome: "answered", message: `${to} answered`, exitCode: 0 }),
      failed: (_, error) => finish(failure(to, error, clock.nowNanos() - startNanos)),
    },
    { flowKey: context.key, process: "udp", ...(flow && { flow }) },
  );
  function finish(result: ProbeResult): void {
    silence.cancel();
    socket.close();
    done(result);
  }
  if (flow) flow.flow.from = formatEndpoint(socket.local.address, socket.local.port);
  const error = socket.send(hello);
  if (error) finish(failure(to, error, 0));
}

function failure(to: string, error: SocketError, afterNanos: number): ProbeResult {
  const afterMillis = Math.floor(afterNanos / nanosPerMilli);
  return {
    outcome: outcomeOf(error),
    message: `${to}: ${error.errno} after ${afterMillis} ms`,
    exitCode: 1,
    ...errorDetails(error),
  };
}
