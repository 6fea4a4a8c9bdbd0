import type { Address } from "../../wire/address.ts";
import { type Packet, hasPorts } from "../../wire/packet.ts";
import { type RealServer, type Scheduler, type VirtualServer, isOpen } from "../virtual-server.ts";

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
    schedulerFlags.includes("sh-fallback"),
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

/** Round the table, from behind the slot that no server answers for (ip_vs_sh_get_fallback). */
export function nextOpen(
  table: readonly (RealServer | undefined)[],
  slotAt: (offset: number) => number,
): RealServer | undefined {
  for (let offset = 0; offset < table.length; offset++) {
    const server = table[slotAt(offset) % table.length];
    if (server === undefined || isOpen(server)) return server;
  }
  return undefined;
}

function hashing(
  servers: readonly RealServer[],
  slotsInARow: (server: RealServer) => number,
  value: (packet: Packet) => number,
  fallsBack = false,
): Scheduler {
  let slots: RealServer[] = [];
  const refresh = (): void => {
    slots = [];
    while (servers.length > 0 && slots.length < 2 ** tableBits) {
      for (const server of servers) for (let i = 0; i < slotsInARow(server); i++) slots.push(server);
    }
    slots.length = Math.min(slots.length, 2 ** tableBits);
  };
  refresh();
  return {
    pick(packet) {
      const slot = slotOf(value(packet));
      const server = slots[slot];
      if (server === undefined || isOpen(server)) return server;
      return fallsBack ? nextOpen(slots, (offset) => slot + slot + offset) : undefined;
    },
    serversChanged: refresh,
  };
}
