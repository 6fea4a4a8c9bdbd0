import { chooseSource, ephemeralPort, isError } from "../kernel/socket/local-end.ts";
import type {
  EchoHandlers,
  Endpoint,
  Errno,
  Listener,
  SocketError,
  SocketOptions,
  Sockets,
  TcpConnection,
  TcpHandlers,
  UdpHandlers,
  UdpSocket,
} from "../kernel/socket/api.ts";
import type { NetworkNamespace } from "../kernel/namespace.ts";
import { type Address, formatAddress, parseAddress, unspecified } from "../wire/address.ts";
import type { Payload } from "../wire/packet.ts";
import type { AgentEvent } from "./agent-protocol.ts";
import type { AgentProcess } from "./agent-process.ts";
import { decodePayloads, encodePayload } from "./payload-bytes.ts";
import { pingWords, readPing } from "./ping.ts";
import { LabError } from "./run.ts";

/** Which conversation a local end belongs to: `tcp 10.244.0.3 40000` -> flow key. */
export type FlowKeys = Map<string, string>;

/** What the programs of a run chose. */
export interface Conversations {
  readonly flowKeys: FlowKeys;
  /** All ports that somebody bound or asked for. */
  readonly ports: Set<number>;
}

/**
 * How late a UDP server answers. Its answer must not come between two questions that were sent together, which on a
 * busy machine could be milliseconds apart.
 */
const serverMillis = 20;

/** The key of a local end in FlowKeys. */
export function localEndKey(protocol: string, address: Address | string, port: number): string {
  return `${protocol} ${typeof address === "string" ? address : formatAddress(address)} ${port}`;
}

/**
 * The sockets of a real namespace behind the interface that the engine's programs use: probes, resolvers and servers
 * run on it unchanged. Source ports are the ones that the engine's own sockets would take.
 */
export class LinuxSockets implements Sockets {
  readonly listeners: Listener[] = [];
  readonly #ns: NetworkNamespace;
  readonly #agent: AgentProcess;
  readonly #conversations: Conversations;
  readonly #usedPorts = new Set<string>();
  #sockets = 0;
  /** What is not open yet. */
  readonly opening: Promise<void>[] = [];

  /** `ns` is the engine's picture of the same namespace. */
  constructor(ns: NetworkNamespace, agent: AgentProcess, conversations: Conversations) {
    this.#ns = ns;
    this.#agent = agent;
    this.#conversations = conversations;
  }

  listen(listener: Listener): void {
    const { protocol, address, port } = listener;
    if (protocol === "sctp") throw new LabError("there are no SCTP sockets in the lab");
    this.listeners.push(listener);
    this.#conversations.ports.add(port);
    // One UDP socket per address answers from the address that was asked, as servers do that care (IP_PKTINFO).
    for (const own of address === undefined ? this.#ownAddresses() : [address]) {
      if (protocol === "udp") this.#listenUdp(listener, own);
      else this.#listenTcp(listener, own);
    }
  }

  unlisten(): void {
    throw new LabError("servers of the lab stay open");
  }

  connectTcp(remote: Endpoint, handlers: TcpHandlers, options: SocketOptions): TcpConnection {
    const { id, local } = this.#claim("tcp", remote.address, options);
    this.#conversations.ports.add(remote.port);
    const connection = this.#connection(id, local, remote, () => handlers);
    this.#agent.tell({
      id,
      op: "connect",
      address: formatAddress(remote.address),
      port: remote.port,
      localPort: local.port,
    });
    return connection;
  }

  connectSctp(): never {
    throw new LabError("there are no SCTP sockets in the lab");
  }

  openUdp(remote: Endpoint | undefined, handlers: UdpHandlers, options: SocketOptions): UdpSocket {
    const { id, local } = this.#claim("udp", remote?.address ?? unspecified.ipv4, options);
    if (remote) this.#conversations.ports.add(remote.port);
    const socket = this.#datagramSocket(id, local, handlers);
    const v6 = typeof remote?.address === "bigint";
    this.#agent.tell({
      id,
      op: "open-udp",
      family: v6 ? 6 : 4,
      localPort: local.port,
      ...(remote && { address: formatAddress(remote.address), port: remote.port }),
    });
    return socket;
  }

  echo(remote: Address, handlers: EchoHandlers, options: Parameters<Sockets["echo"]>[2]): SocketError | undefined {
    const { id } = this.#claim("icmp", remote, { ...options, sourcePort: options.ident });
    this.#agent.on(id, (event) => {
      if (event.event !== "pinged") return;
      const answer = readPing(event.text);
      if (answer === undefined) return;
      if ("ttl" in answer) handlers.replied?.(answer.from, answer.ttl, options.sequence);
      else handlers.failed?.(answer);
    });
    this.#agent.tell({ id, op: "ping", words: pingWords(remote, options) });
    return undefined;
  }

  receive(): never {
    throw new LabError("packets of the lab are received by the kernel");
  }

  takesRedirect(): never {
    return this.receive();
  }

  find(): never {
    return this.receive();
  }

  receiveError(): never {
    return this.receive();
  }

  /** IPv6 is off where no device has an address of it. */
  #ownAddresses(): Address[] {
    const all = [...this.#ns.devices.values()].flatMap(({ addresses }) => addresses);
    const hasIpv6 = all.some(({ address, scope }) => typeof address === "bigint" && scope === "global");
    return all.flatMap(({ address, scope }) =>
      typeof address === "bigint" && (!hasIpv6 || scope === "link") ? [] : [address],
    );
  }

  #claim(
    protocol: "tcp" | "udp" | "icmp",
    towards: Address,
    options: SocketOptions,
  ): { readonly id: string; readonly local: Endpoint } {
    const id = `${protocol}${++this.#sockets}`;
    const chosen = chooseSource(this.#ns, towards, options);
    const address = isError(chosen) ? unspecified[typeof towards === "bigint" ? "ipv6" : "ipv4"] : chosen;
    const taken = (port: number): boolean => this.#usedPorts.has(`${protocol}${port}`);
    const port =
      options.sourcePort ?? ephemeralPort(this.#ns, protocol === "udp" ? "udp" : "tcp", options.flowKey, taken) ?? 0;
    this.#usedPorts.add(`${protocol}${port}`);
    this.#conversations.flowKeys.set(localEndKey(protocol, address, port), options.flowKey);
    this.#conversations.ports.add(port);
    return { id, local: { address, port } };
  }

  #listenTcp(listener: Listener, address: Address): void {
    const id = `server${++this.#sockets}`;
    const { port } = listener;
    this.#open(id, (event) => {
      if (event.event !== "accepted") return;
      const local = { address: parse(event.local), port };
      const remote = { address: parse(event.remote), port: event.remotePort };
      this.#connection(event.connection, local, remote, (connection) => listener.accept?.(connection) ?? {});
    });
    this.#agent.tell({ id, op: "listen-tcp", address: formatAddress(address), port });
  }

  #listenUdp(listener: Listener, address: Address): void {
    const id = `server${++this.#sockets}`;
    const local = { address, port: listener.port };
    const { datagram } = listener;
    const handlers: UdpHandlers = {
      received: (socket, from, payload) => void setTimeout(() => datagram?.(socket, from, payload), serverMillis),
    };
    this.#datagramSocket(id, local, handlers, (handler) => this.#open(id, handler));
    this.#agent.tell({ id, op: "listen-udp", address: formatAddress(address), port: listener.port });
  }

  #open(id: string, handler: (event: AgentEvent) => void): void {
    this.opening.push(
      new Promise((resolve, reject) => {
        this.#agent.on(id, (event) => {
          if (event.event === "ready") resolve();
          else if (event.event === "error") reject(new LabError(`${this.#ns.name}: a server got ${event.errno}`));
          else handler(event);
        });
      }),
    );
  }

  #connection(
    id: string,
    local: Endpoint,
    remote: Endpoint,
    makeHandlers: (connection: TcpConnection) => TcpHandlers,
  ): TcpConnection {
    const agent = this.#agent;
    let buffered: Buffer = Buffer.alloc(0);
    const connection: TcpConnection = {
      local,
      remote,
      send: (payload) => agent.tell({ id, op: "send", data: encodePayload(payload, true).toString("base64") }),
      close: () => agent.tell({ id, op: "close" }),
      abort: () => agent.tell({ id, op: "abort" }),
    };
    const handlers = makeHandlers(connection);
    const servicePort = [local.port, remote.port].includes(53) ? 53 : remote.port;
    agent.on(id, (event) => {
      if (event.event === "connected") handlers.connected?.(connection);
      else if (event.event === "ended") handlers.ended?.(connection);
      else if (event.event === "error") handlers.failed?.(connection, { errno: event.errno as Errno });
      else if (event.event === "data") {
        const whole = Buffer.concat([buffered, Buffer.from(event.data, "base64")]);
        const { payloads, rest } = decodePayloads(whole, servicePort, true);
        buffered = rest;
        for (const payload of payloads) handlers.received?.(connection, payload);
      }
    });
    return connection;
  }

  #datagramSocket(
    id: string,
    local: Endpoint,
    handlers: UdpHandlers,
    hear: (handler: (event: AgentEvent) => void) => void = (handler) => this.#agent.on(id, handler),
  ): UdpSocket {
    const agent = this.#agent;
    const socket: UdpSocket = {
      local,
      send(payload: Payload, to?: Endpoint) {
        const data = encodePayload(payload, false).toString("base64");
        const target = to && { to: { address: formatAddress(to.address), port: to.port } };
        agent.tell({ id, op: "send", data, ...target });
        return undefined;
      },
      close: () => agent.tell({ id, op: "close" }),
    };
    hear((event) => {
      if (event.event === "error") handlers.failed?.(socket, { errno: event.errno as Errno });
      if (event.event !== "message") return;
      const from = { address: parse(event.from), port: event.port };
      const port = [local.port, from.port].includes(53) ? 53 : from.port;
      for (const payload of decodePayloads(Buffer.from(event.data, "base64"), port, false).payloads)
        handlers.received?.(socket, from, payload);
    });
    return socket;
  }
}

function parse(text: string): Address {
  return parseAddress(text.replace(/^::ffff:(?=\d+\.)/, "").replace(/%.*$/, "")) ?? unspecified.ipv4;
}
