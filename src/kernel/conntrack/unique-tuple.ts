import type { Address } from "../../wire/address.ts";
import type { Chance } from "../chance.ts";
import type { Tuple } from "./entry.ts";
import type { TupleTable } from "./hash-table.ts";
import { spreadAddress } from "./spread-address.ts";
import type { NatRange } from "./table.ts";
import { makeTuple } from "./tuple.ts";

/** What the choice of a tuple needs besides the request. */
export interface TupleChoice {
  readonly table: TupleTable;
  readonly chance: Chance;
  /** These name the random ports in choice ids. */
  readonly namespace: { readonly name: string };
  readonly flowKey: string;
}

const attemptsPerRound = 128;

/**
 * The tuple a connection gets when one of its ends is rewritten into a range: nothing changes when it fits
 * already, a client keeps the mapping it has, and a port is only changed on a clash or when asked for.
 * get_unique_tuple() in nf_nat_core.c; as there, the last try is returned when no tuple is free.
 */
export function uniqueTuple(current: Tuple, manip: "src" | "dst", range: NatRange, choice: TupleChoice): Tuple {
  const { table } = choice;
  const random = range.randomPort !== "no";
  if (manip === "src" && !random) {
    if (inRange(current, range)) {
      if (!table.isTaken(current)) return current;
    } else {
      const mapped = mappingOf(table, current, range);
      if (mapped !== undefined && !table.isTaken(mapped)) return mapped;
    }
  }
  const only = range.lastPort === undefined || range.lastPort === range.port ? range.port : undefined;
  // The only port is given whether it is free or not.
  if (only !== undefined && current.protocol !== "other") {
    return rewritten(current, manip, addressFor(current, manip, range), only);
  }
  const tuple = withAddress(current, manip, range);
  if (!random) {
    if (range.port === undefined) {
      if (!table.isTaken(tuple)) return tuple;
    } else if (portInRange(tuple, manip, range) && !table.isTaken(tuple)) {
      return tuple;
    }
  }
  return freePort(tuple, manip, range, choice);
}

function inRange(tuple: Tuple, range: NatRange): boolean {
  if (range.address !== undefined) {
    const last = range.lastAddress ?? range.address;
    if (typeof tuple.src !== typeof range.address || tuple.src < range.address || tuple.src > last) return false;
  }
  return range.port === undefined || portInRange(tuple, "src", range);
}

function portInRange(tuple: Tuple, manip: "src" | "dst", range: NatRange): boolean {
  if (tuple.protocol === "other") return true;
  const port = manip === "src" || isIcmp(tuple) ? tuple.srcPort : tuple.dstPort;
  const first = range.port ?? 0;
  return port >= first && port <= (range.lastPort ?? first);
}

/** The address and port a client port is mapped to already, when they lie in the range (find_appropriate_src). */
function mappingOf(table: TupleTable, tuple: Tuple, range: NatRange): Tuple | undefined {
  for (const { reply } of table.fromSource(tuple)) {
    const mapped = rewritten(tuple, "src", reply.dst, reply.dstPort);
    if (inRange(mapped, range)) return mapped;
  }
  return undefined;
}

function withAddress(tuple: Tuple, manip: "src" | "dst", range: NatRange): Tuple {
  if (range.address === undefined) return tuple;
  const port = manip === "src" ? tuple.srcPort : tuple.dstPort;
  return rewritten(tuple, manip, addressFor(tuple, manip, range), port);
}

/** The address that end gets; without a stated one it stays. */
function addressFor(tuple: Tuple, manip: "src" | "dst", { address, lastAddress, persistent }: NatRange): Address {
  if (address === undefined) return manip === "src" ? tuple.src : tuple.dst;
  if (lastAddress === undefined || lastAddress === address) return address;
  return spreadAddress(tuple.src, tuple.dst, address, lastAddress, persistent);
}

/** nf_nat_l4proto_unique_tuple(). */
function freePort(tuple: Tuple, manip: "src" | "dst", range: NatRange, choice: TupleChoice): Tuple {
  if (tuple.protocol === "other") return tuple;
  const span = portSpan(tuple, manip, range);
  if (span === undefined) return tuple;
  const { table, chance } = choice;
  const id = `${choice.namespace.name}:nat-${manip}:${choice.flowKey}`;
  const draws = range.randomPort !== "no" || manip === "src" || isIcmp(tuple);
  let round = 0;
  let offset = draws ? chance.integer(id, 65_536) : 0;
  let attempts = Math.min(span.size, attemptsPerRound);
  let candidate = tuple;
  for (;;) {
    for (let i = 0; i < attempts; i++, offset++) {
      const port = span.first + ((offset & 0xffff) % span.size);
      candidate = rewritten(tuple, manip, manip === "src" ? tuple.src : tuple.dst, port);
      if (!table.isTaken(candidate)) return candidate;
    }
    if (attempts >= span.size || attempts < 16) return candidate;
    attempts = attempts >> 1;
    offset = chance.integer(`${id}#${++round}`, 65_536);
  }
}

/** The ports to choose from. Without a stated range a source port stays in its class, and a destination as it is. */
function portSpan(
  tuple: Tuple,
  manip: "src" | "dst",
  range: NatRange,
): { readonly first: number; readonly size: number } | undefined {
  if (range.port !== undefined) {
    const last = range.lastPort ?? range.port;
    return { first: Math.min(range.port, last), size: Math.abs(last - range.port) + 1 };
  }
  if (isIcmp(tuple)) return { first: 0, size: 65_536 };
  if (manip === "dst") return undefined;
  if (tuple.srcPort < 512) return { first: 1, size: 511 };
  return tuple.srcPort < 1024 ? { first: 600, size: 424 } : { first: 1024, size: 64_512 };
}

function isIcmp({ protocol }: Tuple): boolean {
  return protocol === "icmp" || protocol === "icmpv6";
}

/** The tuple with one end replaced. An echo has one identifier, so it changes at both. */
function rewritten(tuple: Tuple, manip: "src" | "dst", address: Address, port: number): Tuple {
  const both = isIcmp(tuple);
  return makeTuple(
    tuple.protocol,
    manip === "src" ? address : tuple.src,
    manip === "dst" ? address : tuple.dst,
    manip === "src" || both ? port : tuple.srcPort,
    manip === "dst" || both ? port : tuple.dstPort,
    tuple.icmpType,
    tuple.number,
  );
}
