/** Chance for generators: the same seed, the same throws. Mulberry32. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = (seed * 0x9e3779b1) >>> 0;
  }

  /** A whole number from 0 up to `exclusiveMax`. */
  below(exclusiveMax: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return Math.floor((((value ^ (value >>> 14)) >>> 0) / 2 ** 32) * exclusiveMax);
  }

  /** Whether something with this probability happens. */
  happens(probability: number): boolean {
    return this.below(1_000_000) < probability * 1_000_000;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new RangeError("there is nothing to pick from");
    return item;
  }

  /** One of these, each as likely as its weight says. */
  weighted<T>(items: readonly (readonly [number, T])[]): T {
    let left = this.below(items.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, item] of items) if ((left -= weight) < 0) return item;
    throw new RangeError("there is nothing to pick from");
  }

  /** Calls this often. */
  times<T>(count: number, make: (index: number) => T): T[] {
    return Array.from({ length: count }, (_, index) => make(index));
  }

  /** The text, or nothing. */
  maybe(probability: number, text: () => string): string {
    return this.happens(probability) ? text() : "";
  }
}
