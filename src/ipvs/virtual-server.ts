import type { Owner } from "../trace/records.ts";
import { type Address, formatEndpoint } from "../wire/address.ts";
import type { Packet } from "../wire/packet.ts";

export type IpvsProtocol = "tcp" | "udp" | "sctp";

/** A server that connections are sent to (struct ip_vs_dest). */
export interface RealServer {
  readonly address: Address;
  readonly port: number;
  /** 0: gets no new connections. */
  weight: number;
  /** The last weight that was not 0, or the one it was added with: what mh gives it slots by (last_weight). */
  lastWeight: number;
  /** Connections in state ESTABLISHED. */
  activeConnections: number;
  /** All others. */
  inactiveConnections: number;
  /** With so many connections it is overloaded (`-x`), and till it has fewer than these (`-y`); 0: no limit. */
  upperThreshold: number;
  lowerThreshold: number;
  /** Gets no new connections for now (IP_VS_DEST_F_OVERLOAD). */
  overloaded: boolean;
  /** Still a server of its service; connections outlive it. */
  available: boolean;
  readonly owner?: Owner;
}

/** An address, port and protocol that IPVS answers for (struct ip_vs_service). */
export interface VirtualServer {
  readonly protocol: IpvsProtocol;
  readonly address: Address;
  readonly port: number;
  readonly schedulerName: string;
  /** `sh-port`, `sh-fallback`, `mh-port`, `mh-fallback`. */
  readonly schedulerFlags: readonly string[];
  /** Seconds a client stays with its server after its last connection; 0: no persistence. */
  persistenceSeconds: number;
  /** Which bits of the client's address make a client. */
  readonly persistencePrefix: number;
  /** In the kernel's order: a new server goes to the head. */
  readonly servers: RealServer[];
  readonly owner?: Owner;
}

/** Whether new connections may go to it. */
export function isOpen({ weight, overloaded }: RealServer): boolean {
  return weight > 0 && !overloaded;
}

/**
 * Picks servers for one virtual server; what it remembers between picks is its own. The packet is the first one
 * of a connection. Undefined: no server takes it.
 */
export interface Scheduler {
  pick(packet: Packet): RealServer | undefined;
  /** A server was added, removed, or has another weight. `previous` stands before a removed one in the list. */
  serversChanged?(removed?: { readonly server: RealServer; readonly previous: RealServer | undefined }): void;
}

/** `TCP 10.96.0.10:80`. */
export function serviceText({ protocol, address, port }: Pick<VirtualServer, "protocol" | "address" | "port">): string {
  return `${protocol.toUpperCase()} ${formatEndpoint(address, port)}`;
}
