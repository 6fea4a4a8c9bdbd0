import { nanosPerSecond } from "../clock.ts";
import { Connection } from "./connection.ts";
import type { Direction, Tuple } from "./entry.ts";
import { Pages, expiresTime, flag, flagsWord, idWord, rowOf, rowWords } from "./rows.ts";
import { Slots } from "./slots.ts";
import { TupleKey, mix, writeTuples } from "./tuple-key.ts";

const leastSweepNanos = 10 * nanosPerSecond;

/** A tuple that is in the table. */
export interface Found {
  readonly entry: Connection;
  readonly direction: Direction;
}

/**
 * The connections of a namespace, found by either of their tuples, and by source for the mappings of SNAT. There is
 * no timer per entry: one that has expired is dropped when somebody meets it, or when the table is full of them.
 *
 * Connections lie in rows (rows.ts). Each confirmed one has two slots (slots.ts), one per tuple: under the hash of the
 * tuple, one more than the number of the row and the direction.
 */
export class TupleTable {
  readonly #pages = new Pages();
  readonly #nowNanos: () => number;
  /** For tuples of rows; what callers look for is their own. */
  readonly #own = new TupleKey();
  readonly #wanted = new TupleKey();
  readonly #slots = new Slots();
  #size = 0;
  #nextId = 1;
  #sweepAt = 1024;
  #sweptNanos = 0;
  /**
   * Rows by hash of client address and port (nf_nat_bysource). Made when somebody first asks: only SNAT without
   * --random-fully does, and kube-proxy and the CNI plugins masquerade with it.
   */
  #sources: Map<number, number[]> | undefined;

  constructor(nowNanos: () => number) {
    this.#nowNanos = nowNanos;
  }

  /** Confirmed connections. */
  get size(): number {
    return this.#size;
  }

  /** A new connection, which nobody finds before it is confirmed. */
  begin(key: TupleKey, replyZone: number = key.zone): Connection {
    const page = this.#pages.open();
    const row = page.used++ * rowWords;
    writeTuples(page, row, key, replyZone);
    page.words[row + idWord] = this.#nextId++;
    return new Connection(page, row);
  }

  find(tuple: Tuple): Found | undefined {
    return this.findKey(this.#wanted.ofTuple(tuple));
  }

  findKey(key: TupleKey): Found | undefined {
    return this.#find(key, key.hash);
  }

  #find(key: TupleKey, hash: number): Found | undefined {
    const found = this.#lookup(key, hash);
    if (found < 0) return undefined;
    return { entry: this.#connection(found >>> 1), direction: (found & 1) === 0 ? "original" : "reply" };
  }

  /** Whether the replies to an unconfirmed connection would be taken for another's. */
  hasReplyOf({ page, row }: Connection): boolean {
    const key = this.#wanted.ofRow(page, row, "reply");
    return this.#lookup(key, key.hash) >= 0;
  }

  /** Whether replies to this tuple would be taken for another connection's (nf_conntrack_tuple_taken). */
  isTaken(tuple: TupleKey): boolean {
    tuple.invert();
    const isTaken = this.#lookup(tuple, tuple.hash) >= 0;
    tuple.invert();
    return isTaken;
  }

  /** Number of the row and direction, or -1. */
  #lookup(key: TupleKey, hash: number): number {
    const slots = this.#slots;
    for (let reference = slots.seek(hash, 0); reference !== 0; reference = slots.seek(hash, slots.step)) {
      const found = reference - 1;
      const number = found >>> 1;
      const page = this.#pages.pageOf(number);
      const row = rowOf(number);
      if (!key.is(page, row, (found & 1) === 0 ? "original" : "reply")) continue;
      if ((page.times[(row >> 1) + expiresTime] as number) > this.#nowNanos()) return found;
      this.delete(new Connection(page, row));
      return this.#lookup(key, hash);
    }
    return -1;
  }

  /** Adds a connection whose first packet got through, unless another has one of its tuples: then says which. */
  insertUnlessTaken(entry: Connection): Connection | undefined {
    const { page, row } = entry;
    const key = this.#wanted;
    const original = key.ofRow(page, row, "original").hash;
    const winner = this.#find(key, original) ?? this.#find(key.ofRow(page, row, "reply"), key.hash);
    if (winner === undefined) this.#insert(entry, original, key.hash);
    return winner?.entry;
  }

  /** Adds one that lost a clash: only its replies find it. */
  insertClash(entry: Connection): void {
    entry.clash = true;
    this.#insert(entry, 0, this.#wanted.ofRow(entry.page, entry.row, "reply").hash);
  }

  /** `original` and `reply` are the hashes of its tuples. */
  #insert(entry: Connection, original: number, reply: number): void {
    if (++this.#size > this.#sweepAt) this.#sweep();
    if (!this.#pages.holds(entry.page)) entry.move(this.#pages.open());
    const { number } = entry;
    entry.page.living++;
    entry.confirmed = true;
    if (!entry.clash) this.#slots.add(original, 2 * number + 1);
    this.#slots.add(reply, 2 * number + 2);
    if (this.#sources !== undefined) this.#addSource(this.#sources, entry);
  }

  delete(entry: Connection): void {
    if (entry.dead) return;
    entry.dead = true;
    if (!entry.confirmed) return;
    const { page, row, number } = entry;
    this.#size--;
    if (!entry.clash) this.#slots.remove(this.#own.ofRow(page, row, "original").hash, 2 * number + 1);
    this.#slots.remove(this.#own.ofRow(page, row, "reply").hash, 2 * number + 2);
    if (this.#sources !== undefined) this.#removeSource(this.#sources, entry);
    page.living--;
    this.#pages.release(page);
  }

  /** The living connections of one client address, protocol and port, newest first. */
  *fromSource(tuple: TupleKey): Generator<Connection> {
    this.#sources ??= this.#bySource();
    const { src, srcPort, protocol } = tuple.toTuple();
    for (const number of this.#sources.get(hashSource(tuple))?.toReversed() ?? []) {
      const entry = this.#connection(number);
      const { original, expiresAtNanos } = entry;
      if (original.src !== src || original.srcPort !== srcPort || original.protocol !== protocol) continue;
      if (expiresAtNanos > this.#nowNanos()) yield entry;
    }
  }

  /** The living connections in the order they were made in. */
  entries(): Connection[] {
    const now = this.#nowNanos();
    return this.#confirmed((expiresAtNanos) => expiresAtNanos > now);
  }

  clear(): void {
    for (const entry of this.#confirmed(() => true)) entry.dead = true;
    this.#pages.clear();
    this.#slots.clear();
    this.#size = 0;
    this.#sources = undefined;
  }

  #connection(number: number): Connection {
    return new Connection(this.#pages.pageOf(number), rowOf(number));
  }

  /** In the order they were made in: the numbers of rows do not tell, as those of a page that went come again. */
  #confirmed(wanted: (expiresAtNanos: number) => boolean): Connection[] {
    const found: Connection[] = [];
    for (const page of this.#pages.all()) {
      for (let row = 0; row < page.used * rowWords; row += rowWords) {
        const flags = page.words[row + flagsWord] as number;
        if ((flags & (flag.confirmed | flag.dead)) !== flag.confirmed) continue;
        if (wanted(page.times[(row >> 1) + expiresTime] as number)) found.push(new Connection(page, row));
      }
    }
    return found.sort((a, b) => a.id - b.id);
  }

  #bySource(): Map<number, number[]> {
    const sources = new Map<number, number[]>();
    for (const entry of this.#confirmed(() => true)) this.#addSource(sources, entry);
    return sources;
  }

  #addSource(sources: Map<number, number[]>, { page, row, number, nat }: Connection): void {
    if (!nat.srcDone) return;
    const hash = hashSource(this.#own.ofRow(page, row, "original"));
    const same = sources.get(hash);
    if (same === undefined) sources.set(hash, [number]);
    else same.push(number);
  }

  #removeSource(sources: Map<number, number[]>, { page, row, number, nat }: Connection): void {
    if (!nat.srcDone) return;
    const hash = hashSource(this.#own.ofRow(page, row, "original"));
    const same = sources.get(hash) ?? [];
    if (same.length > 1) same.splice(same.indexOf(number), 1);
    else sources.delete(hash);
  }

  /** Drops what has expired when the table has doubled; not twice within the shortest common time-out. */
  #sweep(): void {
    const now = this.#nowNanos();
    this.#sweepAt = this.#size * 2;
    if (now - this.#sweptNanos < leastSweepNanos) return;
    this.#sweptNanos = now;
    this.purge();
  }

  /** Drops what has expired. */
  purge(): void {
    const now = this.#nowNanos();
    for (const entry of this.#confirmed((expiresAtNanos) => expiresAtNanos <= now)) this.delete(entry);
  }
}

/** Of client address and port: connections of one client port meet there. */
function hashSource({ src, ports }: TupleKey): number {
  return mix(Math.imul(src, 0x9e3779b1) ^ (ports >>> 16));
}
