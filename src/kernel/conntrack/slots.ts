import { mix, wholeBits } from "./tuple-key.ts";

/** Slots of the smallest table; a power of two. */
const leastSlots = 64;

/** The bits of a hash that tell where, within as many slots as they can count, a place begins. */
const besideBits = 4;
/** Where so many slots in a row are taken, the search goes on elsewhere. */
const near = 32;

/** In place of the reference to something that went: the search goes on behind it. */
const gone = -1;

/**
 * A hash table with open addressing: pairs of words, the hash and a reference, which is above 0. What belongs to one
 * client lies together: first near the place that its hash names, and, where very much does, at one of its own.
 */
export class Slots {
  #words = new Int32Array(2 * leastSlots);
  #mask = leastSlots - 1;
  /** Those that are not free: what went counts as long as it is in the way. */
  #taken = 0;
  #size = 0;
  /** How far `seek` came. */
  step = 0;

  /** The next reference under this hash, from a step of the search on; 0: there is none. */
  seek(hash: number, from: number): number {
    const words = this.#words;
    for (let step = from; ; step++) {
      const at = this.#at(hash, step);
      const reference = words[2 * at + 1] as number;
      if (reference === 0) return 0;
      if (words[2 * at] !== hash || reference === gone) continue;
      this.step = step + 1;
      return reference;
    }
  }

  add(hash: number, reference: number): void {
    if (2 * this.#taken >= this.#mask) this.#grow();
    this.#put(hash, reference);
  }

  remove(hash: number, reference: number): void {
    for (let step = 0; ; step++) {
      const at = this.#at(hash, step);
      if (this.#words[2 * at + 1] !== reference) continue;
      this.#words[2 * at + 1] = gone;
      this.#size--;
      return;
    }
  }

  /** Everything goes; the table stays as large as it was: who had so much will have it again. */
  clear(): void {
    this.#words.fill(0);
    this.#taken = 0;
    this.#size = 0;
  }

  #at(hash: number, step: number): number {
    const beside = (1 << besideBits) - 1;
    return step < near
      ? (((hash >>> wholeBits) << besideBits) + (hash & beside) + step) & this.#mask
      : (mix(hash) + step) & this.#mask;
  }

  #put(hash: number, reference: number): void {
    const words = this.#words;
    for (let step = 0; ; step++) {
      const at = this.#at(hash, step);
      const old = words[2 * at + 1] as number;
      if (old > 0) continue;
      words[2 * at] = hash;
      words[2 * at + 1] = reference;
      if (old === 0) this.#taken++;
      this.#size++;
      return;
    }
  }

  /** Twice as large, or only cleared of what went, where that is most of it. */
  #grow(): void {
    const old = this.#words;
    this.#words = new Int32Array(4 * this.#size > this.#mask ? 2 * old.length : old.length);
    this.#mask = this.#words.length / 2 - 1;
    this.#taken = 0;
    this.#size = 0;
    for (let at = 0; at < old.length; at += 2) {
      const reference = old[at + 1] as number;
      if (reference > 0) this.#put(old[at] as number, reference);
    }
  }
}
