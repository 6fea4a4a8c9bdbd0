import { type Packet, type TcpFlags, type Transport, emptyPayload } from "../wire/packet.ts";
import { address, formatAddress } from "../wire/address.ts";
import type { IpvsConnection } from "./connection.ts";
import { ServiceTable } from "./service-table.ts";

/** A recorded sequence of connections to one virtual server: the files of test/referee/ipvs. */
export interface ScheduleCase {
  readonly scheduler: string;
  readonly flags?: string | null;
  readonly proto: "tcp" | "udp";
  /** `address:port`. */
  readonly vip: string;
  /** In the order they are added in. */
  readonly servers: readonly string[];
  readonly weights: readonly number[];
  readonly connections: readonly {
    readonly action: "open" | "close" | "open-close";
    readonly src?: string;
    readonly sport?: number;
    /** Which connection is closed: its number among the opened ones, from 0. */
    readonly close?: number;
  }[];
}

/** The server each connection gets: its address, `none` where nobody takes it, null for what opens nothing. */
export function replaySchedule(recorded: ScheduleCase): (string | null)[] {
  const table = new ServiceTable(() => 0);
  const vip = endpoint(recorded.vip);
  const service = table.addService({
    protocol: recorded.proto,
    ...vip,
    scheduler: recorded.scheduler,
    schedulerFlags: typeof recorded.flags === "string" ? [recorded.flags] : [],
  });
  for (const [index, server] of recorded.servers.entries()) {
    table.addServer(service, { ...endpoint(server), weight: recorded.weights[index] ?? 1 });
  }
  const opened: (IpvsConnection | undefined)[] = [];
  return recorded.connections.map(({ action, src = "", sport = 0, close }) => {
    if (action === "close") {
      shut(table, opened[close ?? -1]);
      return null;
    }
    const packet: Packet = {
      kind: "ip",
      src: address(src),
      dst: vip.address,
      ttl: 64,
      dontFragment: true,
      id: 0,
      transport: transportOf(recorded.proto, sport, vip.port, { syn: true }),
      payload: emptyPayload,
    };
    const connection = table.schedule(service, packet, true);
    opened.push(connection);
    if (connection === undefined) return "none";
    table.connections.advance(connection, "input", packet);
    if (recorded.proto === "tcp") {
      table.connections.advance(connection, "output", withFlags(packet, { syn: true, ack: true }));
      table.connections.advance(connection, "input", withFlags(packet, { ack: true }));
    }
    if (action === "open-close") shut(table, connection);
    return formatAddress(connection.server.address);
  });
}

/** The client closes, the server follows. */
function shut(table: ServiceTable, connection: IpvsConnection | undefined): void {
  if (connection === undefined || connection.protocol !== "tcp") return;
  const { client, clientPort, service } = connection;
  const transport = transportOf("tcp", clientPort, service.port, { fin: true, ack: true });
  const fin: Packet = {
    kind: "ip",
    src: client,
    dst: service.address,
    ttl: 64,
    dontFragment: true,
    id: 0,
    transport,
    payload: emptyPayload,
  };
  table.connections.advance(connection, "input", fin);
  table.connections.advance(connection, "output", fin);
  table.connections.advance(connection, "input", withFlags(fin, { ack: true }));
}

function transportOf(protocol: "tcp" | "udp", srcPort: number, dstPort: number, flags: TcpFlags): Transport {
  return protocol === "udp" ? { protocol, srcPort, dstPort } : { protocol, srcPort, dstPort, flags, seq: 0, ack: 0 };
}

function withFlags(packet: Packet, flags: TcpFlags): Packet {
  const { transport } = packet;
  return transport.protocol === "tcp" ? { ...packet, transport: { ...transport, flags } } : packet;
}

function endpoint(text: string): { readonly address: Packet["src"]; readonly port: number } {
  const colon = text.lastIndexOf(":");
  const host = text.slice(0, colon).replace(/^\[|\]$/g, "");
  return { address: address(host), port: Number(text.slice(colon + 1)) };
}
