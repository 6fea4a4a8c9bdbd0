import { nanosPerSecond } from "../clock.ts";
import type { ConntrackEntry, Tuple, TupleNode } from "./entry.ts";
import { equalTuples, hashEnds, hashSource } from "./tuple.ts";

/** A member of a hash chain. */
interface Link<N> {
  readonly hash: number;
  next: N | undefined;
}

/** Hash chains that grow. Numbers are hashed, not text made of them: this is on the way of every packet. */
class Chains<N extends Link<N>> {
  #heads = emptyHeads<N>(256);
  #mask = 255;
  #count = 0;

  head(hash: number): N | undefined {
    return this.#heads[hash & this.#mask];
  }

  add(node: N): void {
    if (++this.#count > this.#heads.length) this.#grow();
    const index = node.hash & this.#mask;
    node.next = this.#heads[index];
    this.#heads[index] = node;
  }

  remove(gone: N): void {
    const index = gone.hash & this.#mask;
    let before: N | undefined;
    for (let node = this.#heads[index]; node !== undefined; node = node.next) {
      if (node !== gone) {
        before = node;
        continue;
      }
      if (before === undefined) this.#heads[index] = node.next;
      else before.next = node.next;
      this.#count--;
      return;
    }
  }

  each(visit: (node: N) => void): void {
    for (const head of this.#heads) for (let node = head; node !== undefined; node = node.next) visit(node);
  }

  #grow(): void {
    const old = this.#heads;
    this.#mask = old.length * 4 - 1;
    this.#heads = emptyHeads<N>(old.length * 4);
    for (const head of old) {
      for (let node = head; node !== undefined;) {
        const { next } = node;
        const index = node.hash & this.#mask;
        node.next = this.#heads[index];
        this.#heads[index] = node;
        node = next;
      }
    }
  }
}

// Array.from with a mapping function took a fifth of the time of a million new connections.
function emptyHeads<N>(length: number): (N | undefined)[] {
  const heads: (N | undefined)[] = [];
  for (let i = 0; i < length; i++) heads.push(undefined);
  return heads;
}

const leastSweepNanos = 10 * nanosPerSecond;

/** A tuple that is in the table. */
export interface Found extends TupleNode {
  entry: ConntrackEntry;
}

/**
 * The entries of a namespace, found by either of their tuples, and by source for the mappings of SNAT. There is
 * no timer per entry: one that has expired is dropped when somebody meets it, or when the table is full of them.
 */
export class TupleTable {
  #tuples = new Chains<TupleNode>();
  #sources = new Chains<ConntrackEntry>();
  #size = 0;
  #sweepAt = 1024;
  #sweptNanos = 0;
  readonly #nowNanos: () => number;

  constructor(nowNanos: () => number) {
    this.#nowNanos = nowNanos;
  }

  get size(): number {
    return this.#size;
  }

  find(tuple: Tuple): Found | undefined {
    return this.findHashed(tuple, hashEnds(tuple.src, tuple.dst, tuple.srcPort, tuple.dstPort));
  }

  /** The same for a tuple whose hash is known. */
  findHashed(tuple: Tuple, hash: number): Found | undefined {
    let node = this.#tuples.head(hash);
    while (node !== undefined) {
      if (node.hash === hash && equalTuples(node, tuple)) {
        const found = node as Found;
        if (found.entry.expiresAtNanos > this.#nowNanos()) return found;
        this.delete(found.entry);
      }
      node = node.next;
    }
    return undefined;
  }

  /** Adds a confirmed entry. One that lost a clash is only found by its replies. */
  insert(entry: ConntrackEntry): void {
    if (++this.#size > this.#sweepAt) this.#sweep();
    const { original, reply } = entry;
    original.entry = entry;
    reply.entry = entry;
    reply.direction = "reply";
    if (!entry.clash) this.#tuples.add(original);
    this.#tuples.add(reply);
    if (entry.nat.srcDone) this.#sources.add(entry);
  }

  delete(entry: ConntrackEntry): void {
    if (entry.dead) return;
    entry.dead = true;
    if (!entry.confirmed) return;
    this.#size--;
    if (!entry.clash) this.#tuples.remove(entry.original);
    this.#tuples.remove(entry.reply);
    if (entry.nat.srcDone) this.#sources.remove(entry);
  }

  /** The living connections of one client address, protocol and port, newest first. */
  *fromSource(tuple: Tuple): Generator<ConntrackEntry> {
    const hash = hashSource(tuple);
    for (let entry = this.#sources.head(hash); entry !== undefined; entry = entry.next) {
      const { original, expiresAtNanos } = entry;
      if (original.src !== tuple.src || original.srcPort !== tuple.srcPort || original.protocol !== tuple.protocol)
        continue;
      if (expiresAtNanos > this.#nowNanos()) yield entry;
    }
  }

  /** The living entries in the order they were made in. */
  entries(): ConntrackEntry[] {
    const now = this.#nowNanos();
    const living: ConntrackEntry[] = [];
    this.#tuples.each(({ entry, direction }) => {
      if (entry !== undefined && direction === "reply" && entry.expiresAtNanos > now) living.push(entry);
    });
    return living.sort((a, b) => a.id - b.id);
  }

  clear(): void {
    this.#tuples.each(({ entry }) => {
      if (entry !== undefined) entry.dead = true;
    });
    this.#tuples = new Chains();
    this.#sources = new Chains();
    this.#size = 0;
  }

  /** Drops what has expired when the table has doubled; not twice within the shortest common time-out. */
  #sweep(): void {
    const now = this.#nowNanos();
    this.#sweepAt = this.#size * 2;
    if (now - this.#sweptNanos < leastSweepNanos) return;
    this.#sweptNanos = now;
    const expired: ConntrackEntry[] = [];
    this.#tuples.each(({ entry, direction }) => {
      if (entry !== undefined && direction === "reply" && entry.expiresAtNanos <= now) expired.push(entry);
    });
    for (const entry of expired) this.delete(entry);
  }
}
