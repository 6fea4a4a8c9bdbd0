import { nanosPerSecond } from "../kernel/clock.ts";
import type { Owner } from "../trace/records.ts";
import { type Address, isIPv4 } from "../wire/address.ts";
import { maskAddress } from "../wire/cidr.ts";
import { type Packet, hasPorts } from "../wire/packet.ts";
import { ConnectionTable, type IpvsConnection, type PersistenceTemplate, templateKey } from "./connection.ts";
import { schedulers } from "./schedulers/index.ts";
import type { IpvsProtocol, RealServer, Scheduler, VirtualServer } from "./virtual-server.ts";

/** What `ipvsadm -A` says of a virtual server. */
export interface ServiceOptions {
  readonly protocol: IpvsProtocol;
  readonly address: Address;
  readonly port: number;
  /** A key of `schedulers`. */
  readonly scheduler: string;
  readonly schedulerFlags?: readonly string[];
  /** Seconds; absent or 0: none. */
  readonly persistenceSeconds?: number;
  readonly persistencePrefix?: number;
  readonly owner?: Owner;
}

/** What `ipvsadm -a` and `-e` say of a real server. */
export interface ServerOptions extends Pick<RealServer, "address" | "port" | "weight"> {
  readonly upperThreshold?: number;
  readonly lowerThreshold?: number;
  readonly owner?: Owner;
}

export type ServiceKey = Pick<ServiceOptions, "protocol" | "address" | "port">;

/** A command that the kernel would refuse. */
export class IpvsError extends Error {
  readonly code: "SERVICE_EXISTS" | "NO_SERVICE" | "SERVER_EXISTS" | "NO_SERVER" | "NO_SCHEDULER" | "OUT_OF_RANGE";

  constructor(code: IpvsError["code"], message: string) {
    super(message);
    this.name = "IpvsError";
    this.code = code;
  }
}

/** Virtual servers, their real servers and their connections: what ipvsadm shows and changes. */
export class ServiceTable {
  readonly connections: ConnectionTable;
  /** net.ipv4.vs.expire_quiescent_template: a server of weight 0 keeps no persistent clients. */
  expireQuiescentTemplates = false;
  readonly #services = new Map<string, { readonly service: VirtualServer; readonly scheduler: Scheduler }>();
  /** Removed servers: one that is added again is the same, with the connections it still has (ip_vs_trash_get_dest). */
  readonly #removed = new Map<string, RealServer>();
  readonly #nowNanos: () => number;

  constructor(nowNanos: () => number) {
    this.#nowNanos = nowNanos;
    this.connections = new ConnectionTable(nowNanos);
  }

  services(): readonly VirtualServer[] {
    return [...this.#services.values()].map(({ service }) => service);
  }

  get size(): number {
    return this.#services.size;
  }

  find(key: ServiceKey): VirtualServer | undefined {
    return this.#services.get(textOf(key))?.service;
  }

  /** `ipvsadm -A`. Throws an IpvsError when it exists or the scheduler is unknown. */
  addService(options: ServiceOptions): VirtualServer {
    const { protocol, address, port, scheduler, owner } = options;
    const create = Object.hasOwn(schedulers, scheduler) ? schedulers[scheduler] : undefined;
    if (create === undefined) throw new IpvsError("NO_SCHEDULER", `there is no IPVS scheduler called ${scheduler}`);
    if (this.find(options) !== undefined) throw new IpvsError("SERVICE_EXISTS", "the virtual server exists already");
    const service: VirtualServer = {
      protocol,
      address,
      port,
      schedulerName: scheduler,
      schedulerFlags: options.schedulerFlags ?? [],
      persistenceSeconds: options.persistenceSeconds ?? 0,
      persistencePrefix: options.persistencePrefix ?? (isIPv4(address) ? 32 : 128),
      servers: [],
      ...(owner && { owner }),
    };
    this.#services.set(textOf(options), { service, scheduler: create(service) });
    return service;
  }

  /** `ipvsadm -E -p`: clients that have a server keep it for as long as they were promised. */
  setPersistence(key: ServiceKey, seconds: number): void {
    this.#need(key).service.persistenceSeconds = seconds;
  }

  /** `ipvsadm -D`. Connections go on with servers that are not available any more. */
  deleteService(key: ServiceKey): void {
    for (const server of this.#need(key).service.servers) this.#remove(key, server);
    this.#services.delete(textOf(key));
  }

  /** `ipvsadm -a`: the new server goes to the head of the list. */
  addServer(key: ServiceKey, server: ServerOptions): RealServer {
    const { service, scheduler } = this.#need(key);
    if (findServer(service, server) !== undefined)
      throw new IpvsError("SERVER_EXISTS", "the real server exists already");
    checkRange(server);
    const known = this.#removed.get(serverText(key, server));
    const added: RealServer = known ?? newServer(server);
    this.#removed.delete(serverText(key, server));
    added.available = true;
    added.lastWeight = server.weight;
    update(added, server);
    service.servers.unshift(added);
    scheduler.serversChanged?.();
    return added;
  }

  /** `ipvsadm -e -w -x -y`: thresholds that are not given are taken away. */
  editServer(key: ServiceKey, server: ServerOptions): void {
    checkRange(server);
    const { service, scheduler } = this.#need(key);
    update(needServer(service, server), server);
    scheduler.serversChanged?.();
  }

  /** `ipvsadm -d`. */
  deleteServer(key: ServiceKey, server: Pick<RealServer, "address" | "port">): void {
    const { service, scheduler } = this.#need(key);
    const removed = needServer(service, server);
    const at = service.servers.indexOf(removed);
    const previous = service.servers[at - 1];
    service.servers.splice(at, 1);
    this.#remove(key, removed);
    scheduler.serversChanged?.({ server: removed, previous });
  }

  /** `ipvsadm -C`. */
  clear(): void {
    for (const service of this.services()) this.deleteService(service);
  }

  /** Picks a server for the first packet of a connection, and remembers it. ip_vs_schedule(). */
  schedule(service: VirtualServer, packet: Packet, tracked: boolean): IpvsConnection | undefined {
    const { transport } = packet;
    const entry = this.#services.get(textOf(service));
    if (entry === undefined || !hasPorts(transport)) return undefined;
    this.connections.sweep();
    const template = service.persistenceSeconds > 0 ? this.#persist(entry, packet) : undefined;
    const server = service.persistenceSeconds > 0 ? template?.server : entry.scheduler.pick(packet);
    if (server === undefined) return undefined;
    const connection: IpvsConnection = {
      service,
      server,
      protocol: service.protocol,
      client: packet.src,
      clientPort: transport.srcPort,
      state: service.protocol === "tcp" ? "NONE" : service.protocol === "udp" ? "UDP" : "SCTP",
      // Only TCP's states make a connection an active one.
      inactive: true,
      expiresAtNanos: Number.POSITIVE_INFINITY,
      tracked,
      ...(template && { template }),
    };
    this.connections.add(connection);
    return connection;
  }

  /** ip_vs_sched_persist(): the server of the client's last connection, or a new one to stick to. */
  #persist(
    { service, scheduler }: { readonly service: VirtualServer; readonly scheduler: Scheduler },
    packet: Packet,
  ): PersistenceTemplate | undefined {
    const key = templateKey(service, maskAddress(packet.src, service.persistencePrefix));
    const expiresAtNanos = this.#nowNanos() + service.persistenceSeconds * nanosPerSecond;
    const known = this.connections.template(key);
    const usable = known?.server.available === true && !(this.expireQuiescentTemplates && known.server.weight === 0);
    if (known !== undefined && usable) {
      known.expiresAtNanos = expiresAtNanos;
      return known;
    }
    const server = scheduler.pick(packet);
    if (server === undefined) return undefined;
    const template: PersistenceTemplate = { server, expiresAtNanos, connections: 0 };
    this.connections.setTemplate(key, template);
    return template;
  }

  #remove(key: ServiceKey, server: RealServer): void {
    server.available = false;
    this.#removed.set(serverText(key, server), server);
  }

  #need(key: ServiceKey): { readonly service: VirtualServer; readonly scheduler: Scheduler } {
    const found = this.#services.get(textOf(key));
    if (found === undefined) throw new IpvsError("NO_SERVICE", "there is no such virtual server");
    return found;
  }
}

/** ip_vs_add_dest(), ip_vs_edit_dest(). */
function checkRange({ weight, upperThreshold = 0, lowerThreshold = 0 }: ServerOptions): void {
  if (weight < 0) throw new IpvsError("OUT_OF_RANGE", "a weight cannot be below 0");
  if (lowerThreshold > upperThreshold) {
    throw new IpvsError("OUT_OF_RANGE", "the lower threshold (-y) cannot be above the upper one (-x)");
  }
}

/** __ip_vs_update_dest() */
function update(server: RealServer, { weight, upperThreshold = 0, lowerThreshold = 0 }: ServerOptions): void {
  server.weight = weight;
  if (weight !== 0) server.lastWeight = weight;
  if (upperThreshold === 0 || upperThreshold > server.upperThreshold) server.overloaded = false;
  server.upperThreshold = upperThreshold;
  server.lowerThreshold = lowerThreshold;
}

function newServer({ address, port, weight, owner }: ServerOptions): RealServer {
  return {
    address,
    port,
    weight,
    lastWeight: weight,
    activeConnections: 0,
    inactiveConnections: 0,
    upperThreshold: 0,
    lowerThreshold: 0,
    overloaded: false,
    available: true,
    ...(owner && { owner }),
  };
}

function serverText(key: ServiceKey, { address, port }: Pick<RealServer, "address" | "port">): string {
  return `${textOf(key)} ${address} ${port}`;
}

function textOf({ protocol, address, port }: ServiceKey): string {
  return `${protocol} ${address} ${port}`;
}

function findServer(
  service: VirtualServer,
  { address, port }: Pick<RealServer, "address" | "port">,
): RealServer | undefined {
  return service.servers.find((server) => server.address === address && server.port === port);
}

function needServer(service: VirtualServer, key: Pick<RealServer, "address" | "port">): RealServer {
  const server = findServer(service, key);
  if (server === undefined) throw new IpvsError("NO_SERVER", "the virtual server has no such real server");
  return server;
}
