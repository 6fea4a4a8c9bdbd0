import { type ChildProcess, spawn } from "node:child_process";
import { type Socket as UdpSocket, createSocket } from "node:dgram";
import { type Server, type Socket, connect, createServer } from "node:net";
import { createInterface } from "node:readline";
import type { AgentCommand, AgentEvent } from "./agent-protocol.ts";

/*
 * Stands in one network namespace and owns its real sockets. Commands come as JSON lines on standard input, what
 * happens to the sockets goes out as JSON lines. It decides nothing.
 */

const connections = new Map<string, Socket>();
const datagrams = new Map<string, UdpSocket>();
const servers = new Map<string, Server>();
/** What UDP sockets will send, back to back, as soon as they are bound and connected. */
const opening = new Map<string, (() => void)[]>();
const pings = new Map<string, ChildProcess>();

function tell(event: AgentEvent): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

function fail(id: string, error: Error): void {
  tell({ id, event: "error", errno: String((error as NodeJS.ErrnoException).code ?? error.message) });
}

function watch(id: string, socket: Socket): void {
  connections.set(id, socket);
  socket.on("data", (data) => tell({ id, event: "data", data: data.toString("base64") }));
  socket.on("end", () => tell({ id, event: "ended" }));
  socket.on("error", (error) => fail(id, error));
  socket.on("close", () => connections.delete(id));
}

function listenTcp(id: string, address: string, port: number): void {
  let accepted = 0;
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const own = `${id}#${++accepted}`;
    const { localAddress = "", remoteAddress = "", remotePort = 0 } = socket;
    watch(own, socket);
    tell({ id, event: "accepted", connection: own, local: localAddress, remote: remoteAddress, remotePort });
  });
  server.on("error", (error) => fail(id, error));
  server.listen(port, address, () => tell({ id, event: "ready" }));
  servers.set(id, server);
}

function openUdp(id: string, family: 4 | 6): UdpSocket {
  const socket = createSocket(family === 4 ? "udp4" : "udp6");
  datagrams.set(id, socket);
  socket.on("message", (data, { address, port }) =>
    tell({ id, event: "message", data: data.toString("base64"), from: address, port }),
  );
  socket.on("error", (error) => fail(id, error));
  return socket;
}

function ping(id: string, words: readonly string[]): void {
  const child = spawn("ping", words, { stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  pings.set(id, child);
  const read = (data: Buffer): void => void (text += data.toString());
  child.stdout.on("data", read);
  child.stderr.on("data", read);
  child.on("close", () => tell({ id, event: "pinged", text }));
}

function send(id: string, data: Buffer, to: { readonly address: string; readonly port: number } | undefined): void {
  const sent = (error: Error | null | undefined): void => void (error && fail(id, error));
  const socket = datagrams.get(id);
  if (socket === undefined) connections.get(id)?.write(data);
  else if (to === undefined) socket.send(data, sent);
  else socket.send(data, to.port, to.address, sent);
}

function close(id: string): void {
  connections.get(id)?.end();
  datagrams.get(id)?.close();
  datagrams.delete(id);
  pings.get(id)?.kill();
}

function abort(id: string): void {
  const socket = connections.get(id);
  if (socket?.connecting === true) socket.destroy();
  else socket?.resetAndDestroy();
}

function obey(command: AgentCommand): void {
  const { id } = command;
  switch (command.op) {
    case "listen-tcp":
      return listenTcp(id, command.address, command.port);
    case "listen-udp":
      openUdp(id, command.address.includes(":") ? 6 : 4).bind(command.port, command.address, () =>
        tell({ id, event: "ready" }),
      );
      return;
    case "connect": {
      const { address, port, localPort } = command;
      const socket = connect({ host: address, port, localPort, allowHalfOpen: true, noDelay: true });
      watch(id, socket);
      socket.on("connect", () => tell({ id, event: "connected" }));
      return;
    }
    case "open-udp": {
      const { address, port, localPort } = command;
      const socket = openUdp(id, command.family);
      const waiting: (() => void)[] = [];
      opening.set(id, waiting);
      const go = (): void => {
        opening.delete(id);
        for (const action of waiting) action();
      };
      socket.bind(localPort, () => (address === undefined ? go() : socket.connect(port ?? 0, address, go)));
      return;
    }
    case "send": {
      const action = (): void => send(id, Buffer.from(command.data, "base64"), command.to);
      const waiting = opening.get(id);
      return waiting === undefined ? action() : void waiting.push(action);
    }
    case "ping":
      return ping(id, command.words);
    case "close":
      return close(id);
    case "abort":
      return abort(id);
  }
}

createInterface({ input: process.stdin })
  .on("line", (line) => obey(JSON.parse(line) as AgentCommand))
  .on("close", () => process.exit());
tell({ id: "", event: "ready" });
