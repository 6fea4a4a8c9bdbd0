/** Chance comes in as an argument. Each decision has an id, so that pinning or exploring one leaves the others alone. */
export interface Chance {
  /** The index of one of the options; `probabilities` sum to 1. */
  choose(id: string, probabilities: readonly number[]): number;
  /** What `choose` says for ids that begin with `place`: faster where one place draws again and again. */
  at?(place: string): Draw;
  /** A number from 0 to `exclusiveMax` - 1. */
  integer(id: string, exclusiveMax: number): number;
}

/** The decisions of one place: the choice with the id `place + key`. */
export type Draw = (key: string, probabilities: readonly number[]) => number;

/**
 * Draws from a hash of seed and id: the same seed and id give the same draw whatever else happened.
 * `pins` maps a choice id to the option taken.
 */
export function seededChance(seed: number, pins: Readonly<Record<string, number>> = {}): Chance {
  const hasPins = Object.keys(pins).length > 0;
  const start: Hash = { low: 0x811c9dc5 ^ seed, high: 0x9747b28c ^ seed };

  function choose(id: string, probabilities: readonly number[]): number {
    const pinned = Object.hasOwn(pins, id) ? pins[id] : undefined;
    if (pinned !== undefined && pinned < probabilities.length) return pinned;
    return optionAt(uniform(start, id), probabilities);
  }

  return {
    choose,
    at(place) {
      if (hasPins) return (key, probabilities) => choose(place + key, probabilities);
      const hash = hashOf(start, place);
      return (key, probabilities) => optionAt(uniform(hash, key), probabilities);
    },
    integer: (id, exclusiveMax) => Math.floor(uniform(start, id) * exclusiveMax),
  };
}

function optionAt(drawn: number, probabilities: readonly number[]): number {
  let rest = drawn;
  for (let index = 0; index < probabilities.length; index++) {
    rest -= probabilities[index] as number;
    if (rest < 0) return index;
  }
  return probabilities.length - 1;
}

/** Two FNV-1a states. */
interface Hash {
  readonly low: number;
  readonly high: number;
}

function hashOf(start: Hash, text: string): Hash {
  let { low, high } = start;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    low = Math.imul(low ^ code, 0x01000193);
    high = Math.imul(high ^ code, 0x85ebca6b);
  }
  return { low, high };
}

/** A number in [0, 1) from FNV-1a over the text behind `start`, finished as in MurmurHash3 (fmix32), 53 bits. */
function uniform(start: Hash, text: string): number {
  const { low, high } = hashOf(start, text);
  return (mix(high) * 2 ** 21 + (mix(low) >>> 11)) / 2 ** 53;
}

function mix(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
