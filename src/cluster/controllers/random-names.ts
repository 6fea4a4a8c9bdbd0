/**
 * The names that controllers make. Real ones come from a random generator; here they follow from what they name, so
 * that they look alike and stay the same from run to run.
 */

/** apimachinery pkg/util/rand: no vowels, so that no words come out. */
const alphabet = "bcdfghjklmnpqrstvwxz2456789";

/** FNV-1a, 32 bits: the hash that Kubernetes' controllers use. */
export function fnv32(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash ^= text.charCodeAt(i);
    hash = Math.imul(hash, 0x01000193) >>> 0;
  }
  return hash;
}

/** The last mixing step of MurmurHash3: FNV alone gives near names near hashes. */
export function mixed32(text: string): number {
  let hash = fnv32(text);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** A pod-template-hash: the decimal hash in the safe alphabet (rand.SafeEncodeString). */
export function templateHash(text: string): string {
  return [...String(fnv32(text))].map((digit) => alphabet[digit.charCodeAt(0) % alphabet.length]).join("");
}

/** Five letters, as `generateName` appends them. */
export function suffix(text: string): string {
  let value = mixed32(text);
  let letters = "";
  for (let i = 0; i < 5; i++) {
    letters += alphabet[value % alphabet.length];
    value = Math.floor(value / alphabet.length);
  }
  return letters;
}
