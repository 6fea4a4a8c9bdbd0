import { LiveChain } from "./live-chain.ts";
import type { Chain } from "./rule.ts";
import { lengthWord, nameWord, rowWords } from "./rule-rows.ts";

/** Rows that replaced chains leave behind are cleared away when there are more of them than of the others. */
const leastGarbage = 1024;
const firstRows = 64;

/** More chains than this get their rows one by one. */
const mostJoined = 64;

/** A chain that was deleted; its number stays so. */
const gone = -1;

/**
 * The rows of one table (rule-rows.ts), and its chains by number: jumps hold numbers. A chain gets its rows when a
 * packet first enters it. The arrays may be others after a chain was entered: nobody keeps them.
 */
export class RuleMemory {
  /** What the ids of the draws of a rule begin with (DrawKey), or those of a chain: rows may hold it. */
  readonly drawStart: (chain: string, rule?: number) => number | undefined;
  words: Int32Array = new Int32Array(firstRows * rowWords);
  /** The same memory as 64-bit numbers. */
  counters: Float64Array = new Float64Array(this.words.buffer);
  /** Row 0 belongs to nobody. */
  #used = 1;
  #garbage = 0;
  /** By name. */
  readonly chains: Map<string, LiveChain> = new Map();
  /** By number; 0 is no chain. */
  readonly #chains: (LiveChain | undefined)[] = [undefined];
  /** How many chains from a number on are placed together. */
  readonly #joined = new Map<number, number>();
  /** Where the rows of a chain begin among the words; 0: it has none yet. */
  #rows: Int32Array = new Int32Array(firstRows).fill(gone, 0, 1);

  constructor(drawStart: RuleMemory["drawStart"]) {
    this.drawStart = drawStart;
  }

  /** Makes a chain of the table. */
  add(chain: Chain): LiveChain {
    const number = this.#chains.length;
    const live = new LiveChain(chain, number, this);
    this.#chains.push(live);
    this.chains.set(chain.name, live);
    if (number >= this.#rows.length) {
      const larger = new Int32Array(2 * this.#rows.length);
      larger.set(this.#rows);
      this.#rows = larger;
    }
    return live;
  }

  chain(number: number): LiveChain {
    return this.#chains[number] as LiveChain;
  }

  /** From one of these on, chains that packets go through together get their rows together. */
  join(first: number, count: number): void {
    if (count > 1 && count <= mostJoined) this.#joined.set(first, count);
  }

  /** Where the chain's rows begin, its own first. */
  enter(number: number): number {
    const row = this.#rows[number] as number;
    if (row !== 0) return row;
    const placed = this.#place(number);
    // Near each other in memory, they cost a packet fewer misses of the caches.
    const count = this.#joined.get(number) ?? 1;
    for (let next = number + 1; next < number + count; next++) if (this.#rows[next] === 0) this.#place(next);
    return placed;
  }

  /** The same; 0 where no packet was there yet. */
  rowsOf(number: number): number {
    return this.#rows[number] as number;
  }

  /** Whether no chain has this number any more. */
  isGone(number: number): boolean {
    return this.#rows[number] === gone;
  }

  /** Whether the rows of a chain, that were there once, are there still. */
  isAt(number: number, row: number): boolean {
    return this.words[row + nameWord] === ~number;
  }

  /** Its rules were replaced: new rows when somebody enters it again. */
  forget(number: number): void {
    const row = this.#rows[number] as number;
    this.#rows[number] = 0;
    if (row === 0) return;
    this.words[row + nameWord] = 0;
    this.#garbage += 1 + (this.words[row + lengthWord] as number);
    if (this.#garbage > leastGarbage && 2 * this.#garbage > this.#used) this.#compact();
  }

  remove(number: number): void {
    this.forget(number);
    this.chains.delete(this.chain(number).name);
    this.#joined.delete(number);
    this.#rows[number] = gone;
    this.#chains[number] = undefined;
  }

  #place(number: number): number {
    const chain = this.chain(number);
    const rules = chain.peek();
    const rows = 1 + rules.length;
    if ((this.#used + rows) * rowWords > this.words.length) {
      this.#resize(Math.max(2 * this.words.length, (this.#used + rows) * rowWords));
    }
    const row = this.#used * rowWords;
    this.#used += rows;
    this.#rows[number] = row;
    this.words[row + nameWord] = ~number;
    chain.begin(row, rules);
    return row;
  }

  #resize(words: number): void {
    const old = this.words;
    this.words = new Int32Array(words);
    this.words.set(old);
    this.counters = new Float64Array(this.words.buffer);
  }

  /** Moves all rows that belong to a chain together. */
  #compact(): void {
    const old = this.words;
    const left = this.#used - this.#garbage;
    this.words = new Int32Array(Math.max(firstRows, 2 * left) * rowWords);
    this.counters = new Float64Array(this.words.buffer);
    this.#used = 1;
    this.#garbage = 0;
    for (let number = 1; number < this.#chains.length; number++) {
      const row = this.#rows[number] as number;
      if (row <= 0) continue;
      const rows = 1 + (old[row + lengthWord] as number);
      this.#rows[number] = this.#used * rowWords;
      this.words.set(old.subarray(row, row + rows * rowWords), this.#used * rowWords);
      this.#used += rows;
    }
  }
}
