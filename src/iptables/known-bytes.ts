import { utf8ToBytes } from "@noble/hashes/utils.js";

/* Bytes and numbers of which only some bits are known: a packet here has no checksums, and no random numbers. */

/** A number of 32 bits, unsigned. Bits that are not known are 0 in the value. */
export interface KnownWord {
  readonly value: number;
  /** 1 where the bit is known. */
  readonly known: number;
}

export const allBits = 0xffffffff;

export function knownWord(value: number): KnownWord {
  return { value: value >>> 0, known: allBits };
}

export function isKnown({ known }: KnownWord): boolean {
  return known === allBits;
}

/** What is 0 in the mask is known to be 0 after it. */
export function and({ value, known }: KnownWord, mask: number): KnownWord {
  return { value: (value & mask) >>> 0, known: (known | ~mask) >>> 0 };
}

/** Shifts by 0 to 31 bits; what comes in is 0. */
export function shiftLeft({ value, known }: KnownWord, bits: number): KnownWord {
  return { value: (value << bits) >>> 0, known: ((known << bits) | (2 ** bits - 1)) >>> 0 };
}

export function shiftRight({ value, known }: KnownWord, bits: number): KnownWord {
  return { value: value >>> bits, known: ((known >>> bits) | ~(allBits >>> bits)) >>> 0 };
}

/** Whether the number lies between two; undefined where that hangs on bits that are not known. */
export function isBetween({ value, known }: KnownWord, least: number, most: number): boolean | undefined {
  const highest = (value | ~known) >>> 0;
  if (value >= least && highest <= most) return true;
  // One number alone is compared bit by bit.
  const differs = least === most && ((value ^ least) & known) !== 0;
  return differs || highest < least || value > most ? false : undefined;
}

/** Bytes that are written from the front; what is left out is not known. */
export class KnownBytes {
  readonly values: Uint8Array;
  readonly known: Uint8Array;
  /** 1 where a byte is not known because it is drawn or computed: a checksum, a sequence number. */
  readonly drawn: Uint8Array;
  #at = 0;

  constructor(length: number) {
    this.values = new Uint8Array(length);
    this.known = new Uint8Array(length);
    this.drawn = new Uint8Array(length);
  }

  get length(): number {
    return this.values.length;
  }

  /** Writes a number in so many bytes, the highest first. */
  put(value: number, bytes: number, known: number = allBits): this {
    for (let shift = 8 * (bytes - 1); shift >= 0; shift -= 8) this.#byte(value >>> shift, known >>> shift);
    return this;
  }

  putText(text: string): this {
    for (const byte of utf8ToBytes(text)) this.#byte(byte, 0xff);
    return this;
  }

  putAll(other: KnownBytes): this {
    this.drawn.set(other.drawn.subarray(0, Math.max(0, this.length - this.#at)), Math.min(this.#at, this.length));
    for (const [at, value] of other.values.entries()) this.#byte(value, other.known[at] as number);
    return this;
  }

  /** Bytes that are drawn or computed. */
  putDrawn(bytes: number): this {
    this.drawn.fill(1, this.#at, this.#at + bytes);
    return this.skip(bytes);
  }

  /** Bytes that nobody stated. */
  skip(bytes: number): this {
    this.#at += bytes;
    return this;
  }

  /** What does not fit is cut off. */
  #byte(value: number, known: number): void {
    if (this.#at < this.length) {
      this.values[this.#at] = value & known;
      this.known[this.#at] = known;
    }
    this.#at++;
  }

  /** One, two or four bytes as a number, the highest first; undefined where the bytes end before. */
  wordAt(at: number, bytes: number): KnownWord | undefined {
    if (at < 0 || at + bytes > this.length) return undefined;
    let value = 0;
    let known = bytes === 4 ? 0 : -1 << (8 * bytes);
    for (let next = at; next < at + bytes; next++) {
      value = (value << 8) | (this.values[next] as number);
      known = (known << 8) | (this.known[next] as number);
    }
    return { value: value >>> 0, known: (bytes === 4 ? known : known | (-1 << (8 * bytes))) >>> 0 };
  }
}
