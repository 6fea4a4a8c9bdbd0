import type { Address } from "../../wire/address.ts";
import { type Packet, hasPorts } from "../../wire/packet.ts";
import type { RealServer, Scheduler, VirtualServer } from "../virtual-server.ts";

const tableBits = 8;

/** An address as 32 bits; an IPv6 one folded by exclusive or. */
export function foldAddress(address: Address): number {
  if (typeof address === "number") return address;
  let folded = 0n;
  for (let shift = 0n; shift < 128n; shift += 32n) folded ^= (address >> shift) & 0xffffffffn;
  return Number(folded);
}

/** hash_32 (include/linux/hash.h). */
function slotOf(value: number): number {
  return Math.imul(value, 0x61c88647) >>> (32 - tableBits);
}

/** sh: by source address, with `sh-port` also by source port. net/netfilter/ipvs/ip_vs_sh.c. */
export function sourceHashing({ servers, schedulerFlags }: VirtualServer): Scheduler {
  const withPort = schedulerFlags.includes("sh-port");
  // A server gets as many slots in a row as its weight says, at least one, so that one of weight 0 has slots too.
  return hashing(
    servers,
    ({ weight }) => Math.max(1, weight),
    (packet) => foldAddress(packet.src) + (withPort ? sourcePort(packet) : 0),
  );
}

/** dh: by destination address, which is one for all clients. net/netfilter/ipvs/ip_vs_dh.c. */
export function destinationHashing({ servers }: VirtualServer): Scheduler {
  return hashing(
    servers,
    () => 1,
    (packet) => foldAddress(packet.dst),
  );
}

export function sourcePort({ transport }: Packet): number {
  return hasPorts(transport) ? transport.srcPort : 0;
}

function hashing(
  servers: readonly RealServer[],
  slotsInARow: (server: RealServer) => number,
  value: (packet: Packet) => number,
): Scheduler {
  let slots: RealServer[] = [];
  const refresh = (): void => {
    slots = [];
    while (servers.length > 0 && slots.length < 2 ** tableBits) {
      for (const server of servers) for (let i = 0; i < slotsInARow(server); i++) slots.push(server);
    }
  };
  refresh();
  return {
    pick(packet) {
      const server = slots[slotOf(value(packet))];
      return server !== undefined && server.weight > 0 ? server : undefined;
    },
    serversChanged: refresh,
  };
}
