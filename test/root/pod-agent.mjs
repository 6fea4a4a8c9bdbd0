/*
 * Stands in a pod's network namespace: answers on TCP and UDP ports, and tries connections that it is told of.
 * In: one JSON line `{id, protocol, address, port}`; out: `{id, outcome}` with answered, refused or timed-out.
 */
import { createSocket } from "node:dgram";
import { createServer, connect } from "node:net";
import { createInterface } from "node:readline";

const ports = process.argv.slice(2).map(Number);
// Nothing that is asked for here is dropped in silence: a busy machine may take its time.
const timeoutMillis = 10_000;

for (const port of ports) {
  createServer((socket) => {
    socket.on("error", () => undefined);
    socket.end("hello\n");
  }).listen(port, "0.0.0.0");
  const server = createSocket("udp4");
  server.on("message", (message, peer) => server.send(message, peer.port, peer.address));
  server.bind(port, "0.0.0.0");
}

function tcp(address, port, done) {
  const socket = connect({ host: address, port, timeout: timeoutMillis });
  socket.on("connect", () => done("answered"));
  socket.on("timeout", () => done("timed-out"));
  socket.on("error", (error) => done(error.code === "ECONNREFUSED" ? "refused" : String(error.code)));
  return () => socket.destroy();
}

function udp(address, port, done) {
  const socket = createSocket("udp4");
  socket.on("message", () => done("answered"));
  socket.on("error", (error) => done(error.code === "ECONNREFUSED" ? "refused" : String(error.code)));
  const timer = setTimeout(() => done("timed-out"), timeoutMillis);
  socket.connect(port, address, () => socket.send("hello"));
  return () => {
    clearTimeout(timer);
    socket.close();
  };
}

createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, protocol, address, port } = JSON.parse(line);
  let ended = false;
  const close = (protocol === "TCP" ? tcp : udp)(address, port, (outcome) => {
    if (ended) return;
    ended = true;
    setImmediate(() => close());
    process.stdout.write(`${JSON.stringify({ id, outcome })}\n`);
  });
});
process.stdout.write(`${JSON.stringify({ id: "ready" })}\n`);
