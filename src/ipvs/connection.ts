import { nanosPerSecond } from "../kernel/clock.ts";
import { type Address, formatAddress, formatEndpoint } from "../wire/address.ts";
import type { Packet } from "../wire/packet.ts";
import { type IpvsTcpState, nextTcpState, tcpTimeoutSeconds } from "./tcp-state.ts";
import type { IpvsProtocol, RealServer, VirtualServer } from "./virtual-server.ts";

const udpTimeoutSeconds = 5 * 60;
/** SCTP's states are not followed; ESTABLISHED lasts so long. */
const sctpTimeoutSeconds = 15 * 60;

/** A connection that was given a server (struct ip_vs_conn). */
export interface IpvsConnection {
  readonly service: VirtualServer;
  readonly server: RealServer;
  readonly protocol: IpvsProtocol;
  readonly client: Address;
  readonly clientPort: number;
  state: IpvsTcpState | "UDP" | "SCTP";
  /** Counted among its server's inactive connections. */
  inactive: boolean;
  expiresAtNanos: number;
  /** It takes part in connection tracking (net.ipv4.vs.conntrack was 1 when it began). */
  readonly tracked: boolean;
  /** The client's persistence entry. */
  readonly template?: PersistenceTemplate;
}

/** Which server a client sticks to. */
export interface PersistenceTemplate {
  readonly server: RealServer;
  expiresAtNanos: number;
  /** Connections that keep it alive. */
  connections: number;
}

/** What names a connection, from either side. */
export interface ConnectionEnds {
  readonly protocol: string;
  readonly src: Address;
  readonly srcPort: number;
  readonly dst: Address;
  readonly dstPort: number;
}

function keyOf({ protocol, src, srcPort, dst, dstPort }: ConnectionEnds): string {
  return `${protocol} ${src} ${srcPort} ${dst} ${dstPort}`;
}

/** The connections of one namespace, found by what the client sends and by what the server answers. */
export class ConnectionTable {
  readonly #requests = new Map<string, IpvsConnection>();
  readonly #replies = new Map<string, IpvsConnection>();
  readonly #templates = new Map<string, PersistenceTemplate>();
  readonly #nowNanos: () => number;
  /** No connection expires earlier. */
  #nextExpiry = Number.POSITIVE_INFINITY;

  constructor(nowNanos: () => number) {
    this.#nowNanos = nowNanos;
  }

  /** By a packet from the client to the virtual address. */
  byRequest(ends: ConnectionEnds): IpvsConnection | undefined {
    this.sweep();
    return this.#requests.get(keyOf(ends));
  }

  /** By a packet from the real server to the client. */
  byReply(ends: ConnectionEnds): IpvsConnection | undefined {
    this.sweep();
    return this.#replies.get(keyOf(ends));
  }

  entries(): readonly IpvsConnection[] {
    this.sweep();
    return [...this.#requests.values()];
  }

  add(connection: IpvsConnection): void {
    this.#requests.set(keyOf(requestEnds(connection)), connection);
    this.#replies.set(keyOf(replyEnds(connection)), connection);
    connection.server[connection.inactive ? "inactiveConnections" : "activeConnections"]++;
    judgeLoad(connection.server, "more");
    if (connection.template !== undefined) connection.template.connections++;
    this.#nextExpiry = Math.min(this.#nextExpiry, connection.expiresAtNanos);
  }

  delete(connection: IpvsConnection): void {
    if (!this.#requests.delete(keyOf(requestEnds(connection)))) return;
    this.#replies.delete(keyOf(replyEnds(connection)));
    connection.server[connection.inactive ? "inactiveConnections" : "activeConnections"]--;
    judgeLoad(connection.server, "fewer");
    if (connection.template !== undefined) connection.template.connections--;
  }

  /** Moves a connection on by one of its packets, and its server's counters with it (set_tcp_state). */
  advance(connection: IpvsConnection, direction: "input" | "output", packet: Packet): void {
    const { transport } = packet;
    let seconds = connection.protocol === "udp" ? udpTimeoutSeconds : sctpTimeoutSeconds;
    if (transport.protocol === "tcp" && connection.state !== "UDP" && connection.state !== "SCTP") {
      connection.state = nextTcpState(connection.state, direction, transport.flags);
      seconds = tcpTimeoutSeconds[connection.state];
      this.#count(connection, connection.state !== "ESTABLISHED");
    }
    connection.expiresAtNanos = this.#nowNanos() + seconds * nanosPerSecond;
    this.#nextExpiry = Math.min(this.#nextExpiry, connection.expiresAtNanos);
  }

  #count(connection: IpvsConnection, inactive: boolean): void {
    if (connection.inactive === inactive) return;
    connection.inactive = inactive;
    const { server } = connection;
    server.activeConnections += inactive ? -1 : 1;
    server.inactiveConnections += inactive ? 1 : -1;
  }

  /** A client's persistence entry that still holds. */
  template(key: string): PersistenceTemplate | undefined {
    const template = this.#templates.get(key);
    if (template === undefined) return undefined;
    if (template.connections > 0 || template.expiresAtNanos > this.#nowNanos()) return template;
    this.#templates.delete(key);
    return undefined;
  }

  setTemplate(key: string, template: PersistenceTemplate): void {
    this.#templates.set(key, template);
  }

  /** Removes what has expired. */
  sweep(): void {
    const now = this.#nowNanos();
    if (now < this.#nextExpiry) return;
    this.#nextExpiry = Number.POSITIVE_INFINITY;
    for (const connection of this.#requests.values()) {
      if (connection.expiresAtNanos <= now) this.delete(connection);
      else this.#nextExpiry = Math.min(this.#nextExpiry, connection.expiresAtNanos);
    }
  }
}

/** A server is overloaded from one threshold down to the other, which is three quarters where none is given. ip_vs_bind_dest(), ip_vs_unbind_dest(). */
function judgeLoad(server: RealServer, change: "more" | "fewer"): void {
  const { upperThreshold, lowerThreshold, activeConnections, inactiveConnections } = server;
  const total = activeConnections + inactiveConnections;
  if (change === "more") {
    if (upperThreshold > 0 && total >= upperThreshold) server.overloaded = true;
  } else if (lowerThreshold > 0 ? total < lowerThreshold : total * 4 < upperThreshold * 3 || upperThreshold === 0) {
    server.overloaded = false;
  }
}

function requestEnds({ protocol, client, clientPort, service }: IpvsConnection): ConnectionEnds {
  return { protocol, src: client, srcPort: clientPort, dst: service.address, dstPort: service.port };
}

function replyEnds({ protocol, client, clientPort, server }: IpvsConnection): ConnectionEnds {
  return { protocol, src: server.address, srcPort: server.port, dst: client, dstPort: clientPort };
}

/** The connection in the words of `ipvsadm -Lcn`, without its time. */
export function connectionText(connection: IpvsConnection): string {
  const { protocol, state, client, clientPort, service, server } = connection;
  const ends = [
    formatEndpoint(client, clientPort),
    formatEndpoint(service.address, service.port),
    formatEndpoint(server.address, server.port),
  ];
  const name = protocol.toUpperCase();
  return [name, ...(state === name ? [] : [state]), ...ends].join(" ");
}

/** A client of a service, as persistence counts them. */
export function templateKey(service: VirtualServer, maskedClient: Address): string {
  return `${service.protocol} ${formatAddress(service.address)} ${service.port} ${formatAddress(maskedClient)}`;
}
