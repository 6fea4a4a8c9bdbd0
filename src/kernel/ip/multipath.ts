import type { Choice } from "../../trace/records.ts";
import { type Address, formatAddress } from "../../wire/address.ts";
import { formatCidr } from "../../wire/cidr.ts";
import { type Packet, hasPorts, protocolNumber } from "../../wire/packet.ts";
import type { Route, RoutePath } from "../fib.ts";
import type { NetworkNamespace } from "../namespace.ts";
import { primaryAddress } from "./source-address.ts";

/** What a multipath route hashes. */
export interface PathKey {
  readonly dst: Address;
  /** Absent while a socket still looks for its source address. */
  readonly src?: Address;
  /** The packet, where there is one yet. */
  readonly packet?: Packet;
  /** Made here: then a next hop whose device has the source address comes first. */
  readonly isOutput: boolean;
}

/** The next hop taken, and the decision behind it. */
export interface SelectedPath {
  readonly route: Route;
  readonly choice: Choice;
}

/**
 * One of a route's next hops: fib_select_multipath(), net/ipv4/fib_semantics.c. The kernel hashes with a key that it
 * draws at boot, so which hop it is cannot be known: it is a choice with the odds of the weights, the same for packets
 * that hash alike. Undefined when the devices of all hops are down.
 */
export function selectPath(ns: NetworkNamespace, route: Route, key: PathKey): SelectedPath | undefined {
  const paths = (route.paths ?? []).filter((path) => ns.devices.get(path.route.device ?? "")?.up === true);
  if (paths.length === 0) return undefined;
  const { src, isOutput } = key;
  const drawn = draw(ns, route, paths, key);
  if (!isOutput || src === undefined) return selected(paths, drawn);
  const from = paths.map((path) => primaryOf(ns, path) === src);
  if (!from.includes(true)) return selected(paths, drawn);
  // The first hop at or behind the drawn one that has the address; else the first that has it.
  const taken = from.findIndex((has, index) => has && index >= drawn.taken);
  const own = taken < 0 ? from.indexOf(true) : taken;
  // Which address that is was drawn before, when the socket looked for one.
  const before = draw(ns, route, paths, { dst: key.dst, isOutput });
  return selected(paths, before.taken === own ? before : drawn, own);
}

function selected(paths: readonly RoutePath[], choice: Choice, taken: number = choice.taken): SelectedPath {
  return { route: (paths[taken] as RoutePath).route, choice };
}

function primaryOf(ns: NetworkNamespace, { route }: RoutePath): Address | undefined {
  const device = ns.devices.get(route.device ?? "");
  return device && primaryAddress(ns, device, route.via);
}

function draw(ns: NetworkNamespace, route: Route, paths: readonly RoutePath[], key: PathKey): Choice {
  const id = `${ns.name}/route/${formatCidr(route.destination)}/${hashed(ns, key)}`;
  const total = paths.reduce((sum, { weight }) => sum + weight, 0);
  const odds = paths.map(({ weight }) => weight / total);
  const taken = ns.surroundings.chance.choose(id, odds);
  const label = ({ route: { via, device } }: RoutePath): string =>
    via === undefined ? `dev ${device}` : `via ${formatAddress(via)} dev ${device}`;
  const options = paths.map((path, index) => ({ label: label(path), probability: odds[index] as number }));
  return { id, options, taken, by: "random" };
}

/** What of a packet the hash covers: fib_multipath_hash(), rt6_multipath_hash(). An ICMP error goes the way of what it quotes. */
function hashed(ns: NetworkNamespace, { dst, src, packet }: PathKey): string {
  const v4 = typeof dst === "number";
  const policy = ns.sysctls.get(`net.${v4 ? "ipv4" : "ipv6"}.fib_multipath_hash_policy`);
  const ends = (from: Address | undefined, to: Address): string =>
    `${from === undefined ? "" : formatAddress(from)}>${formatAddress(to)}`;
  const transport = packet?.transport;
  if (policy === 1 || policy === 3) {
    if (packet === undefined || transport === undefined) return ends(src, dst);
    const ports = policy === 1 && hasPorts(transport) ? ` ${transport.srcPort} ${transport.dstPort}` : "";
    return `${ends(src, dst)} ${protocolNumber(transport)}${ports}`;
  }
  const quoted =
    transport !== undefined && "kind" in transport && transport.kind === "error" ? transport.quoted : undefined;
  if (quoted !== undefined) return ends(quoted.src, quoted.dst);
  return v4 || transport === undefined ? ends(src, dst) : `${ends(src, dst)} ${protocolNumber(transport)}`;
}
