import { type Packet, type TcpFlags, type Transport, emptyPayload } from "../wire/packet.ts";
import { address, formatAddress } from "../wire/address.ts";
import type { IpvsConnection } from "./connection.ts";
import { ServiceTable } from "./service-table.ts";
import type { VirtualServer } from "./virtual-server.ts";

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
  /** Upper and lower threshold of each server (`ipvsadm -x -y`). */
  readonly limits?: readonly (readonly [number, number] | null)[];
  /** Seconds. */
  readonly persistent?: number;
  readonly netmask?: string;
  readonly sysctls?: Readonly<Record<string, number>>;
  readonly connections: readonly ScheduleStep[];
}

/** A connection, or what is done to the servers between two of them. */
export interface ScheduleStep {
  readonly action: "open" | "close" | "open-close" | "add" | "weight" | "delete";
  readonly src?: string;
  readonly sport?: number;
  /** Which connection is closed: its number among the opened ones, from 0. */
  readonly close?: number;
  /** Which server is added, changed or deleted: `address:port`. */
  readonly server?: string;
  readonly weight?: number;
}

/** The server each connection gets: its address, `none` where nobody takes it, null for what opens nothing. */
export function replaySchedule(recorded: ScheduleCase): (string | null)[] {
  const table = new ServiceTable(() => 0);
  const vip = endpoint(recorded.vip);
  const mask = recorded.netmask === undefined ? undefined : address(recorded.netmask);
  const service = table.addService({
    protocol: recorded.proto,
    ...vip,
    scheduler: recorded.scheduler,
    schedulerFlags: typeof recorded.flags === "string" ? recorded.flags.split(",") : [],
    persistenceSeconds: recorded.persistent ?? 0,
    ...(typeof mask === "number" && { persistencePrefix: 32 - Math.log2(2 ** 32 - mask) }),
  });
  table.expireQuiescentTemplates = recorded.sysctls?.["expire_quiescent_template"] === 1;
  for (const [index, server] of recorded.servers.entries()) {
    const [upperThreshold = 0, lowerThreshold = 0] = recorded.limits?.[index] ?? [];
    const weight = recorded.weights[index] ?? 1;
    table.addServer(service, { ...endpoint(server), weight, upperThreshold, lowerThreshold });
  }
  const opened: (IpvsConnection | undefined)[] = [];
  return recorded.connections.map((step) => {
    const { action, src = "", sport = 0 } = step;
    if (action !== "open" && action !== "open-close") {
      if (action === "close") shut(table, opened[step.close ?? -1]);
      else change(table, service, step);
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

function change(table: ServiceTable, service: VirtualServer, { action, server = "", weight = 1 }: ScheduleStep): void {
  if (action === "add") table.addServer(service, { ...endpoint(server), weight });
  else if (action === "weight") table.editServer(service, { ...endpoint(server), weight });
  else table.deleteServer(service, endpoint(server));
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
