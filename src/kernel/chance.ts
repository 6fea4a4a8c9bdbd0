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
  const startLow = 0x811c9dc5 ^ seed;
  const startHigh = 0x9747b28c ^ seed;

  function choose(id: string, probabilities: readonly number[]): number {
    const pinned = Object.hasOwn(pins, id) ? pins[id] : undefined;
    if (pinned !== undefined && pinned < probabilities.length) return pinned;
    return optionAt(uniform(startLow, startHigh, id), probabilities);
  }

  return {
    choose,
    at(place) {
      if (hasPins) return (key, probabilities) => choose(place + key, probabilities);
      const low = fnv(startLow, lowPrime, place);
      const high = fnv(startHigh, highPrime, place);
      return (key, probabilities) => optionAt(uniform(low, high, key), probabilities);
    },
    integer: (id, exclusiveMax) => Math.floor(uniform(startLow, startHigh, id) * exclusiveMax),
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

const lowPrime = 0x01000193;
const highPrime = 0x85ebca6b;

function fnv(start: number, prime: number, text: string): number {
  let state = start;
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), prime);
  return state;
}

/** A number in [0, 1) from two FNV-1a states and the text behind them, finished as in MurmurHash3 (fmix32), 53 bits. */
function uniform(low: number, high: number, text: string): number {
  const upper = mix(fnv(high, highPrime, text));
  const lower = mix(fnv(low, lowPrime, text));
  return (upper * 2 ** 21 + (lower >>> 11)) / 2 ** 53;
}

function mix(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
