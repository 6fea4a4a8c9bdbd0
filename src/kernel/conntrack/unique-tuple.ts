import type { Address } from "../../wire/address.ts";
import type { Chance } from "../chance.ts";
import type { HookState } from "../netfilter.ts";
import type { TupleTable } from "./hash-table.ts";
import { spreadAddress } from "./spread-address.ts";
import type { NatRange } from "./table.ts";
import type { TupleKey } from "./tuple-key.ts";

/** What the choice of a tuple needs besides the request. */
export interface TupleChoice {
  readonly table: TupleTable;
  readonly chance: Chance;
}

const attemptsPerRound = 128;

/**
 * Rewrites one end of a connection's tuple into a range: nothing changes when it fits already, a client keeps the
 * mapping it has, and a port is only changed on a clash or when asked for. get_unique_tuple() in nf_nat_core.c; as
 * there, the last try is left when no tuple is free.
 */
export function makeUnique(
  tuple: TupleKey,
  manip: "src" | "dst",
  range: NatRange,
  { table, chance }: TupleChoice,
  state: HookState,
): void {
  const random = range.randomPort !== "no";
  if (manip === "src" && !random) {
    if (inRange(tuple.srcAddress, tuple, range)) {
      if (!table.isTaken(tuple)) return;
    } else if (takeMapping(tuple, range, table)) {
      return;
    }
  }
  if (range.address !== undefined) tuple.setAddress(manip, addressFor(tuple, range, range.address));
  const only = range.lastPort === undefined || range.lastPort === range.port ? range.port : undefined;
  // The only port is given whether it is free or not.
  if (only !== undefined && tuple.hasPorts) return tuple.setPort(manip, only);
  const fits = range.port === undefined || (range.basePort === undefined && portInRange(tuple, manip, range));
  if (!random && fits && !table.isTaken(tuple)) return;
  drawPort(tuple, manip, range, table, chance, state);
}

/** The address and port a client port is mapped to already, when they lie in the range (find_appropriate_src). */
function takeMapping(tuple: TupleKey, range: NatRange, table: TupleTable): boolean {
  const { srcAddress: before, srcPort: port } = tuple;
  for (const { reply } of table.fromSource(tuple)) {
    tuple.setAddress("src", reply.dst);
    if (tuple.hasPorts) tuple.setPort("src", reply.dstPort);
    if (!inRange(reply.dst, tuple, range)) continue;
    if (!table.isTaken(tuple)) return true;
    break;
  }
  tuple.setAddress("src", before);
  tuple.setPort("src", port);
  return false;
}

function inRange(src: Address, tuple: TupleKey, range: NatRange): boolean {
  const { address: first, lastAddress: last = first } = range;
  if (first !== undefined && last !== undefined && (typeof src !== typeof first || src < first || src > last)) {
    return false;
  }
  return range.port === undefined || portInRange(tuple, "src", range);
}

function portInRange(tuple: TupleKey, manip: "src" | "dst", range: NatRange): boolean {
  if (!tuple.hasPorts) return true;
  const port = manip === "src" || tuple.isEcho ? tuple.srcPort : tuple.dstPort;
  const first = range.port ?? 0;
  return port >= first && port <= (range.lastPort ?? first);
}

/** The address that end gets. */
function addressFor(tuple: TupleKey, { lastAddress, persistent }: NatRange, address: Address): Address {
  if (lastAddress === undefined || lastAddress === address) return address;
  return spreadAddress(tuple.srcAddress, tuple.dstAddress, address, lastAddress, persistent);
}

/** nf_nat_l4proto_unique_tuple(). */
function drawPort(
  tuple: TupleKey,
  manip: "src" | "dst",
  range: NatRange,
  table: TupleTable,
  chance: Chance,
  { namespace, skb: { flowKey } }: HookState,
): void {
  const span = tuple.hasPorts ? portSpan(tuple, manip, range) : undefined;
  if (span === undefined) return;
  const id = `${namespace.name}:nat-${manip}:${flowKey}`;
  const draws = range.randomPort !== "no" || manip === "src" || tuple.isEcho;
  let round = 0;
  let offset =
    range.basePort !== undefined ? (tuple.dstPort - range.basePort) & 0xffff : draws ? chance.integer(id, 65_536) : 0;
  let attempts = Math.min(span.size, attemptsPerRound);
  for (;;) {
    for (let i = 0; i < attempts; i++, offset++) {
      tuple.setPort(manip, span.first + ((offset & 0xffff) % span.size));
      if (!table.isTaken(tuple)) return;
    }
    if (attempts >= span.size || attempts < 16) return;
    attempts = attempts >> 1;
    offset = chance.integer(`${id}#${++round}`, 65_536);
  }
}

/** The ports to choose from. Without a stated range a source port stays in its class, and a destination as it is. */
function portSpan(
  tuple: TupleKey,
  manip: "src" | "dst",
  range: NatRange,
): { readonly first: number; readonly size: number } | undefined {
  if (range.port !== undefined) {
    const last = range.lastPort ?? range.port;
    return { first: Math.min(range.port, last), size: Math.abs(last - range.port) + 1 };
  }
  if (tuple.isEcho) return { first: 0, size: 65_536 };
  if (manip === "dst") return undefined;
  if (tuple.srcPort < 512) return { first: 1, size: 511 };
  return tuple.srcPort < 1024 ? { first: 600, size: 424 } : { first: 1024, size: 64_512 };
}
