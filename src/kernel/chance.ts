/** Chance comes in as an argument. Each decision has an id, so that pinning or exploring one leaves the others alone. */
export interface Chance {
  /** The index of one of the options; `probabilities` sum to 1. */
  choose(id: string, probabilities: readonly number[]): number;
  /** A number from 0 to `exclusiveMax` - 1. */
  integer(id: string, exclusiveMax: number): number;
}

/**
 * Draws from a hash of seed and id: the same seed and id give the same draw whatever else happened.
 * `pins` maps a choice id to the option taken.
 */
export function seededChance(seed: number, pins: Readonly<Record<string, number>> = {}): Chance {
  return {
    choose(id, probabilities) {
      const pinned = Object.hasOwn(pins, id) ? pins[id] : undefined;
      if (pinned !== undefined && pinned < probabilities.length) return pinned;
      let rest = uniform(seed, id);
      for (const [index, probability] of probabilities.entries()) {
        rest -= probability;
        if (rest < 0) return index;
      }
      return probabilities.length - 1;
    },
    integer: (id, exclusiveMax) => Math.floor(uniform(seed, id) * exclusiveMax),
  };
}

/** A number in [0, 1) from FNV-1a over the id, finished as in MurmurHash3 (fmix32), 53 bits. */
function uniform(seed: number, id: string): number {
  let low = 0x811c9dc5 ^ seed;
  let high = 0x9747b28c ^ seed;
  for (let i = 0; i < id.length; i++) {
    const code = id.charCodeAt(i);
    low = Math.imul(low ^ code, 0x01000193);
    high = Math.imul(high ^ code, 0x85ebca6b);
  }
  return (mix(high) * 2 ** 21 + (mix(low) >>> 11)) / 2 ** 53;
}

function mix(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
