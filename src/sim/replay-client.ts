import type { EventQueue } from "../kernel/clock.ts";
import { nanosPerMilli, nanosPerSecond, wakeUpNanos } from "../kernel/clock.ts";
import { sendPacket } from "../kernel/ip/output.ts";
import { selectSource } from "../kernel/ip/route.ts";
import type { NetworkNamespace } from "../kernel/namespace.ts";
import type {
  Endpoint,
  PmtuDiscovery,
  SocketError,
  SocketOptions,
  TcpConnection,
  UdpSocket,
} from "../kernel/socket/api.ts";
import { chooseSource, isError } from "../kernel/socket/local-end.ts";
import type { FlowLine } from "../topology/flow-line.ts";
import type { FlowRecorder } from "../trace/recorder.ts";
import { address, formatAddress, formatEndpoint, unspecified } from "../wire/address.ts";
import { type Packet, type Payload, type TcpFlags, emptyPayload } from "../wire/packet.ts";

/** Who answered, as the server saw it; of an ICMP answer only where it came from. */
export interface ReplayAnswer {
  readonly server?: string;
  readonly local?: string;
  readonly peer?: string;
  readonly from?: string;
  readonly ttl?: number;
}

/** What the client saw. */
export interface ClientResult {
  readonly result: string;
  readonly answer?: ReplayAnswer;
  /** What each UDP send returned, and what was read afterwards. */
  readonly sends?: readonly string[];
}

export interface ClientContext {
  readonly clock: EventQueue;
  readonly namespace: NetworkNamespace;
  readonly flow?: FlowRecorder;
  /** Called 10 ms after the answer, or at the end of waiting, before anything is closed. */
  readonly ended: () => void;
}

const request: Payload = { kind: "bytes", length: 6, text: "hello" };
/** The recorder's servers answer with 160 bytes. */
const answerBytes = 160;
const settleNanos = 10 * nanosPerMilli;
const repeatNanos = 100 * nanosPerMilli;
const echoIdent = 16_962;
const echoBytes = 56;

/** What the servers of a topology answer: who they are and whom they see. */
export function answerPayload(server: string, local: Endpoint, peer: Endpoint): Payload {
  const answer: ReplayAnswer = {
    server,
    local: formatEndpoint(local.address, local.port),
    peer: formatEndpoint(peer.address, peer.port),
  };
  return { kind: "bytes", length: answerBytes, text: JSON.stringify(answer) };
}

/** What came may be the client's own request: a connection to its own address and port connects to itself. */
function readAnswer(payload: Payload): ReplayAnswer {
  return payload.kind === "bytes" && payload.text?.startsWith("{") === true
    ? (JSON.parse(payload.text) as ReplayAnswer)
    : {};
}

/** Runs one flow from its first packet to the client's last word. */
export function runClient(line: FlowLine, context: ClientContext): ClientResult {
  switch (line.protocol) {
    case "tcp":
    case "sctp":
      return runStream(line, context, line.protocol);
    case "udp":
      return runUdp(line, context);
    case "icmp":
      return runEcho(line, context);
    case "raw":
      return runRaw(line, context);
  }
}

/** Runs the clock until something is known or the flow's time is over. */
function wait({ clock }: ClientContext, line: FlowLine, done: () => boolean): void {
  pass(clock, Number(line.options["timeout"] ?? 1) * nanosPerSecond, done);
}

function pause({ clock }: ClientContext, nanos: number): void {
  pass(clock, nanos);
}

/** Lets so much time pass, or less when `done` says so. A clock without events would stand still, hence the timer. */
export function pass(clock: EventQueue, nanos: number, done?: () => boolean): void {
  const timer = clock.after(nanos, () => undefined);
  clock.run({ untilNanos: clock.nowNanos() + nanos, ...(done && { done }) });
  timer.cancel();
}

function requestOf({ options }: FlowLine): Payload {
  return options["size"] === undefined ? request : { kind: "bytes", length: Number(options["size"]) };
}

function socketOptions({ options, name }: FlowLine, { flow }: ClientContext): SocketOptions {
  return {
    flowKey: name,
    process: "client",
    ...(flow && { flow }),
    ...(options["sport"] !== undefined && { sourcePort: Number(options["sport"]) }),
    ...(options["src"] !== undefined && { source: address(options["src"]) }),
    ...(options["ttl"] !== undefined && { ttl: Number(options["ttl"]) }),
    ...(options["df"] !== undefined && { pmtuDiscovery: options["df"] as PmtuDiscovery }),
  };
}

const errnoResults: Readonly<Record<string, string>> = {
  ECONNREFUSED: "refused",
  ECONNRESET: "reset",
  EHOSTUNREACH: "no-route-to-host",
  ENETUNREACH: "network-unreachable",
  EPERM: "not-permitted",
  EACCES: "not-permitted",
  ETIMEDOUT: "timeout",
};

function resultOf(error: SocketError): string {
  return errnoResults[error.errno] ?? error.errno;
}

function runStream(line: FlowLine, context: ClientContext, protocol: "tcp" | "sctp"): ClientResult {
  let connection: TcpConnection | undefined;
  let connected = false;
  let answer: ReplayAnswer | undefined;
  let failure: SocketError | undefined;
  const { sockets } = context.namespace;
  connection = sockets[protocol === "tcp" ? "connectTcp" : "connectSctp"](
    endpointOf(line.destination),
    {
      connected: (own) => {
        connected = true;
        context.clock.after(wakeUpNanos, () => own.send(requestOf(line)));
      },
      received: (_own, payload) => void (answer = readAnswer(payload)),
      failed: (_own, error) => void (failure = error),
    },
    socketOptions(line, context),
  );
  wait(context, line, () => answer !== undefined || failure !== undefined);
  pause(context, settleNanos);
  context.ended();
  if (failure === undefined) {
    if (connected) connection.close();
    else connection.abort();
  }
  if (answer !== undefined) return { result: "connected", answer };
  if (failure !== undefined) return { result: resultOf(failure) };
  return { result: connected ? "connected-no-answer" : "timeout" };
}

function runUdp(line: FlowLine, context: ClientContext): ClientResult {
  const sized = line.options["size"] !== undefined;
  const repeat = Number(line.options["repeat"] ?? 1);
  let isErrorUnread = false;
  const sends: string[] = [];
  let answer: ReplayAnswer | undefined;
  let failure: SocketError | undefined;
  const done = (): boolean => answer !== undefined || failure !== undefined;
  const socket: UdpSocket = context.namespace.sockets.openUdp(
    endpointOf(line.destination),
    {
      received: (_own, _from, payload) => {
        if (done()) return;
        sends.push("answered");
        answer = readAnswer(payload);
      },
      failed: (_own, error) => {
        // A socket holds one error till the process, once awake, reads it (sk_err).
        if (done() || isErrorUnread) return;
        isErrorUnread = true;
        context.clock.after(wakeUpNanos, () => void (isErrorUnread = false));
        sends.push(`error ${error.errno}`);
        if (error.errno !== "EMSGSIZE") failure ??= error;
      },
    },
    socketOptions(line, context),
  );
  for (let attempt = 1; attempt <= repeat && !done(); attempt++) {
    const error = socket.send(requestOf(line));
    sends.push(error?.errno ?? "sent");
    if (error !== undefined && error.errno !== "EMSGSIZE") failure ??= error;
    if (attempt < repeat) pass(context.clock, repeatNanos, done);
  }
  if (sends.at(-1) !== "EMSGSIZE" || repeat > 1) wait(context, line, done);
  pause(context, settleNanos);
  context.ended();
  socket.close();
  const outcome = answer !== undefined ? "reply" : failure !== undefined ? resultOf(failure) : "timeout";
  return { result: outcome, ...(answer !== undefined && { answer }), ...(sized && { sends }) };
}

function runEcho(line: FlowLine, context: ClientContext): ClientResult {
  let result: ClientResult | undefined;
  const remote = address(line.destination.replace(/[[\]]/g, ""));
  const failed = (error: SocketError): void => {
    const { icmp } = error;
    const name = typeof remote === "number" ? "icmp" : "icmp6";
    // What the call itself said is told first.
    result ??=
      icmp === undefined
        ? { result: resultOf(error) }
        : { result: `${name}-${icmp.type}-${icmp.code}`, answer: { from: formatAddress(icmp.from) } };
  };
  const error = context.namespace.sockets.echo(
    remote,
    {
      replied: (from, ttl) =>
        void (result = {
          result: "reply",
          answer: { from: formatAddress(from), ...(typeof remote === "number" && { ttl }) },
        }),
      failed,
    },
    {
      ...socketOptions(line, context),
      ident: echoIdent,
      sequence: 1,
      dataBytes: Number(line.options["size"] ?? echoBytes),
    },
  );
  if (error !== undefined) failed(error);
  wait(context, line, () => result !== undefined);
  pause(context, settleNanos);
  context.ended();
  return result ?? { result: "timeout" };
}

const flagNames = { F: "fin", S: "syn", R: "rst", P: "psh", A: "ack", U: "urg" } as const;

/** One hand-made segment by a raw socket; nobody waits for an answer. */
function runRaw(line: FlowLine, context: ClientContext): ClientResult {
  const { namespace, flow } = context;
  const remote = endpointOf(line.destination);
  const wanted = address(line.options["src"] ?? "");
  // A raw socket fills in a source address that is 0 (raw_send_hdrinc).
  const src = wanted === unspecified.ipv4 ? (selectSource(namespace, remote.address) ?? wanted) : wanted;
  const flags: TcpFlags = Object.fromEntries(
    [...(line.options["flags"] ?? "")].map((letter) => [flagNames[letter as keyof typeof flagNames], true]),
  );
  const send = { flowKey: line.name, track: flow?.packet("original"), socket: { uid: 0, gid: 0 } };
  const packet: Packet = {
    kind: "ip",
    src,
    dst: remote.address,
    ttl: 64,
    dontFragment: false,
    id: 1,
    transport: {
      protocol: "tcp",
      srcPort: Number(line.options["sport"]),
      dstPort: remote.port,
      flags,
      seq: 0,
      ack: 0,
      ...(line.options["badsum"] === "1" && { badChecksum: true }),
    },
    payload: emptyPayload,
  };
  // The way is looked up without the written source address (raw_sendmsg).
  const chosen = chooseSource(namespace, remote.address, {});
  const error = isError(chosen) ? chosen : sendPacket(namespace, packet, { ...send, isUnbound: true });
  wait(context, { ...line, options: { timeout: "0.3", ...line.options } }, () => false);
  context.ended();
  return { result: error === undefined ? "sent" : resultOf(error) };
}

/** `10.0.0.1:80`, `[fd00::1]:80`. */
function endpointOf(text: string): Endpoint {
  const at = text.lastIndexOf(":");
  return { address: address(text.slice(0, at).replace(/^\[|\]$/g, "")), port: Number(text.slice(at + 1)) };
}
