import { type RealServer, type Scheduler, type VirtualServer, isOpen } from "../virtual-server.ts";
import { foldAddress, nextOpen, sourcePort } from "./hashing.ts";

const tableSize = 4093;
/** Half of IP_VS_MH_TAB_INDEX: weights are cut to so many bits. */
const turnBits = 6;

/** mh: Maglev hashing by source address, with `mh-port` also by source port. net/netfilter/ipvs/ip_vs_mh.c. */
export function maglev({ servers, schedulerFlags }: VirtualServer): Scheduler {
  const withPort = schedulerFlags.includes("mh-port");
  const fallsBack = schedulerFlags.includes("mh-fallback");
  let table: readonly (RealServer | undefined)[] = [];
  const refresh = (): void => void (table = populate(servers));
  refresh();
  return {
    pick(packet) {
      const value = foldAddress(packet.src) + (withPort ? sourcePort(packet) : 0);
      const slot = halfSipHash(value, firstKey) % tableSize;
      const server = table[slot];
      if (server === undefined || isOpen(server)) return server;
      if (!fallsBack) return undefined;
      return nextOpen(table, (offset) => halfSipHash(((offset + slot) % tableSize) + value, firstKey));
    },
    serversChanged: refresh,
  };
}

/** Each server in turn takes the next free slot of its own permutation. ip_vs_mh_populate. */
function populate(servers: readonly RealServer[]): readonly (RealServer | undefined)[] {
  const table = Array.from({ length: tableSize }, (): RealServer | undefined => undefined);
  const divisor = servers.reduce((common, { lastWeight }) => gcd(lastWeight, common), 0);
  if (divisor === 0) return table;
  const most = servers.reduce((max, { lastWeight }) => Math.max(max, lastWeight), 0) / divisor;
  const shift = Math.max(0, 32 - Math.clz32(most) - turnBits);
  const ways = servers.map((server) => {
    const value = foldAddress(server.address) + server.port;
    const turns = (server.lastWeight / divisor) >> shift;
    return {
      server,
      turns: turns > 0 ? turns : server.lastWeight === 0 ? 0 : 1,
      skip: (halfSipHash(value, secondKey) % (tableSize - 1)) + 1,
      at: halfSipHash(value, firstKey) % tableSize,
    };
  });
  for (let filled = 0; ;) {
    for (const way of ways) {
      for (let turn = 0; turn < way.turns; turn++) {
        while (table[way.at] !== undefined) way.at = (way.at + way.skip) % tableSize;
        table[way.at] = way.server;
        if (++filled === tableSize) return table;
      }
    }
  }
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

const firstKey = 2654435761n;
const secondKey = 2654446892n;

/** SipHash-1-3 of a 32-bit word, the low half: hsiphash_1u32 on 64-bit machines. Both key words are equal. */
function halfSipHash(word: number, key: bigint): number {
  const v: SipState = [
    0x736f6d6570736575n ^ key,
    0x646f72616e646f6dn ^ key,
    0x6c7967656e657261n ^ key,
    0x7465646279746573n ^ key,
  ];
  const block = (4n << 56n) | BigInt(word >>> 0);
  v[3] ^= block;
  sipRound(v);
  v[0] ^= block;
  v[2] ^= 0xffn;
  for (let round = 0; round < 3; round++) sipRound(v);
  return Number((v[0] ^ v[1] ^ v[2] ^ v[3]) & 0xffffffffn);
}

type SipState = [bigint, bigint, bigint, bigint];

function sipRound(v: SipState): void {
  v[0] = add(v[0], v[1]);
  v[1] = rotate(v[1], 13n) ^ v[0];
  v[0] = rotate(v[0], 32n);
  v[2] = add(v[2], v[3]);
  v[3] = rotate(v[3], 16n) ^ v[2];
  v[0] = add(v[0], v[3]);
  v[3] = rotate(v[3], 21n) ^ v[0];
  v[2] = add(v[2], v[1]);
  v[1] = rotate(v[1], 17n) ^ v[2];
  v[2] = rotate(v[2], 32n);
}

function add(a: bigint, b: bigint): bigint {
  return BigInt.asUintN(64, a + b);
}

function rotate(value: bigint, by: bigint): bigint {
  return BigInt.asUintN(64, (value << by) | (value >> (64n - by)));
}
