import type { HookState } from "../kernel/netfilter.ts";
import type { Address } from "../wire/address.ts";
import { hasPorts, protocolNumber } from "../wire/packet.ts";
import type { Match } from "./matches/index.ts";
import type { Rule } from "./rule.ts";

type Key = Address | number | string;

/** Matches that change state, take chances or leave steps: what stands behind them must not be looked at before. */
const ordered: ReadonlySet<Match["kind"]> = new Set([
  "connlimit",
  "hashlimit",
  "limit",
  "nfacct",
  "quota",
  "recent",
  "set",
  "statistic",
]);

/**
 * Which rules of a chain a packet can match at all. Each rule is filed under one exact term: destination address,
 * destination port, or device; rules without one are always looked at. A walk over the candidates ends as a walk
 * over all rules does: what is left out fails in a term without side effects (test/iptables/candidates.test.ts).
 */
export class CandidateIndex {
  /** All lists of positions, each in order and ended by `behindAll`; at 0 the empty one. */
  readonly #lists: Int32Array;
  /** Where the list of a key begins; of a destination with one position, its complement. */
  readonly #destinations: AddressMap;
  readonly #destinations6 = new Map<bigint, number>();
  readonly #ports = new Map<number, number>();
  readonly #in = new Map<string, number>();
  readonly #out = new Map<string, number>();
  readonly #rest: number;

  /** Null where most rules must be looked at anyway: asking for the next one costs more than a rule that fails. */
  static over(rules: readonly Rule[]): CandidateIndex | null {
    const files = new Files();
    for (const [at, rule] of rules.entries()) files.add(keyOf(rule), at);
    return files.rest.length * 2 <= rules.length ? new CandidateIndex(files, rules.length) : null;
  }

  private constructor(files: Files, rules: number) {
    const lists = new Lists(rules);
    this.#destinations = new AddressMap(files.destinations.size);
    for (const [address, positions] of files.destinations) {
      const [only] = positions;
      const list = positions.length === 1 && only !== undefined ? ~only : lists.add(positions);
      if (typeof address === "number") this.#destinations.set(address, list);
      else this.#destinations6.set(address, list);
    }
    for (const [port, positions] of files.ports) this.#ports.set(port, lists.add(positions));
    for (const [name, positions] of files.in) this.#in.set(name, lists.add(positions));
    for (const [name, positions] of files.out) this.#out.set(name, lists.add(positions));
    this.#rest = lists.add(files.rest);
    this.#lists = lists.words;
  }

  /** The rules that this packet can match. */
  of(state: HookState): Candidates {
    const { dst, transport } = state.skb.packet;
    const destination = typeof dst === "number" ? this.#destinations.get(dst) : (this.#destinations6.get(dst) ?? 0);
    let port = 0;
    if (this.#ports.size > 0 && hasPorts(transport)) {
      port = this.#ports.get(portKey(protocolNumber(transport), transport.dstPort)) ?? 0;
    }
    const inDevice = this.#in.size === 0 ? 0 : (this.#in.get(state.inDevice?.name ?? "") ?? 0);
    const outDevice = this.#out.size === 0 ? 0 : (this.#out.get(state.outDevice?.name ?? "") ?? 0);
    return new Candidates(this.#lists, this.#rest, destination, port, inDevice, outDevice);
  }
}

/** Larger than any position. */
const behindAll = 0x7fffffff;

/** A packet's way through the lists that concern it: the positions (from 0) of its rules in order. */
export class Candidates {
  readonly #lists: Int32Array;
  #rest: number;
  #destination: number;
  #port: number;
  #in: number;
  #out: number;

  constructor(lists: Int32Array, rest: number, destination: number, port: number, inDevice: number, outDevice: number) {
    this.#lists = lists;
    this.#rest = rest;
    this.#destination = destination;
    this.#port = port;
    this.#in = inDevice;
    this.#out = outDevice;
  }

  /** The next position; larger than any behind the last. */
  next(): number {
    const lists = this.#lists;
    const rest = lists[this.#rest] as number;
    const destination = this.#destination < 0 ? ~this.#destination : (lists[this.#destination] as number);
    const port = lists[this.#port] as number;
    const inDevice = lists[this.#in] as number;
    const outDevice = lists[this.#out] as number;
    // A rule stands in one list only.
    const least = Math.min(rest, destination, port, inDevice, outDevice);
    if (least === behindAll) return behindAll;
    if (least === rest) this.#rest++;
    else if (least === destination) this.#destination = this.#destination < 0 ? 0 : this.#destination + 1;
    else if (least === port) this.#port++;
    else if (least === inDevice) this.#in++;
    else this.#out++;
    return least;
  }
}

/** Positions by key, while an index is made. */
class Files {
  readonly destinations = new Map<Address, number[]>();
  readonly ports = new Map<number, number[]>();
  readonly in = new Map<string, number[]>();
  readonly out = new Map<string, number[]>();
  readonly rest: number[] = [];

  add(key: RuleKey | undefined, at: number): void {
    switch (key?.by) {
      case "destination":
        return push(this.destinations, key.address, at);
      case "port":
        return push(this.ports, key.port, at);
      case "in":
        return push(this.in, key.name, at);
      case "out":
        return push(this.out, key.name, at);
      case undefined:
        this.rest.push(at);
    }
  }
}

/** Lists of positions, one behind the other. */
class Lists {
  readonly words: Int32Array;
  #used = 1;

  /** Room for so many positions in at most as many lists, and the one of those without a key. */
  constructor(positions: number) {
    this.words = new Int32Array(2 * positions + 2).fill(behindAll);
  }

  add(positions: readonly number[]): number {
    const list = this.#used;
    this.words.set(positions, list);
    this.#used += positions.length + 1;
    return list;
  }
}

/** IPv4 addresses to their lists: open addressing in pairs of words, address and list; list 0 is a free place. */
class AddressMap {
  readonly #pairs: Int32Array;
  readonly #mask: number;

  constructor(size: number) {
    const places = 2 ** Math.ceil(Math.log2(2 * size + 2));
    this.#pairs = new Int32Array(2 * places);
    this.#mask = places - 1;
  }

  set(address: number, list: number): void {
    const at = this.#find(address);
    this.#pairs[at] = address;
    this.#pairs[at + 1] = list;
  }

  /** The list; 0, the empty one, where there is none. */
  get(address: number): number {
    return this.#pairs[this.#find(address) + 1] as number;
  }

  #find(address: number): number {
    const pairs = this.#pairs;
    const own = address | 0;
    for (let place = Math.imul(own, 0x9e3779b1) >>> 7; ; place++) {
      const at = 2 * (place & this.#mask);
      if (pairs[at + 1] === 0 || pairs[at] === own) return at;
    }
  }
}

/** The exact term a rule is filed under. */
type RuleKey =
  | { readonly by: "destination"; readonly address: Address }
  | { readonly by: "port"; readonly port: number }
  | { readonly by: "in" | "out"; readonly name: string };

function keyOf(rule: Rule): RuleKey | undefined {
  let inName: string | undefined;
  let outName: string | undefined;
  let port: number | undefined;
  let isOrdered = false;
  for (const match of rule.matches) {
    switch (match.kind) {
      case "destination":
        if (match.inverted || match.prefixLength !== (typeof match.base === "number" ? 32 : 128)) break;
        return { by: "destination", address: match.base };
      case "in-interface":
        if (!match.inverted && !match.name.endsWith("+")) inName = match.name;
        break;
      case "out-interface":
        if (!match.inverted && !match.name.endsWith("+")) outName = match.name;
        break;
      case "tcp":
      case "udp":
      case "sctp": {
        const ports = match.dstPorts;
        if (ports === undefined || ports.inverted || ports.from !== ports.to || isOrdered) break;
        port = portKey({ tcp: 6, udp: 17, sctp: 132 }[match.kind], ports.from);
        break;
      }
      default:
        isOrdered ||= ordered.has(match.kind);
    }
  }
  if (port !== undefined) return { by: "port", port };
  if (outName !== undefined) return { by: "out", name: outName };
  return inName === undefined ? undefined : { by: "in", name: inName };
}

function portKey(protocol: number, port: number): number {
  return protocol * 65_536 + port;
}

function push<K extends Key>(map: Map<K, number[]>, key: K, at: number): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [at]);
  else list.push(at);
}
