import type { DrawState } from "../kernel/chance.ts";
import type { LiveChain } from "./live-chain.ts";
import { lengthWord, nameWord, rowWords } from "./rule-rows.ts";

/** Rows that replaced chains leave behind are cleared away when there are more of them than of the others. */
const leastGarbage = 1024;
const firstRows = 64;

/** A chain that was deleted; its number stays so. */
const gone = -1;

/**
 * The rows of one table (rule-rows.ts), and its chains by number: jumps hold numbers. A chain gets its rows when a
 * packet first enters it. The arrays may be others after a chain was entered: nobody keeps them.
 */
export class RuleMemory {
  /** The state of the draws of a rule, which rows may hold (rule-rows.ts), or of what all draws of a chain begin with. */
  readonly stateAt: (chain: string, rule?: number) => DrawState | undefined;
  words: Int32Array = new Int32Array(firstRows * rowWords);
  /** The same memory as 64-bit numbers. */
  counters: Float64Array = new Float64Array(this.words.buffer);
  /** Row 0 belongs to nobody. */
  #used = 1;
  #garbage = 0;
  /** By number; 0 is no chain. */
  readonly #chains: (LiveChain | undefined)[] = [undefined];
  /** Where the rows of a chain begin among the words; 0: it has none yet. */
  #rows: Int32Array = new Int32Array(firstRows).fill(gone, 0, 1);

  constructor(stateAt: RuleMemory["stateAt"]) {
    this.stateAt = stateAt;
  }

  /** Gives a chain its number. */
  add(chain: LiveChain): number {
    const number = this.#chains.push(chain) - 1;
    if (number >= this.#rows.length) {
      const larger = new Int32Array(2 * this.#rows.length);
      larger.set(this.#rows);
      this.#rows = larger;
    }
    return number;
  }

  chain(number: number): LiveChain {
    return this.#chains[number] as LiveChain;
  }

  /** Where the chain's rows begin, its own first. */
  enter(number: number): number {
    const row = this.#rows[number] as number;
    return row === 0 ? this.#place(number) : row;
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
