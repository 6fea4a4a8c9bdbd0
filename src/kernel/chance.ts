/** Chance comes in as an argument. Each decision has an id, so that pinning or exploring one leaves the others alone. */
export interface Chance {
  /** The index of one of the options; `probabilities` sum to 1. */
  choose(id: string, probabilities: readonly number[]): number;
  /** What `choose` says for ids that begin with `place`: faster where one place draws again and again. */
  at?(place: string): Draw;
  /** What `DrawKey` needs of ids that begin with `place`; undefined where a choice may be pinned. */
  startAt?(place: string): number | undefined;
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
    return optionAt(drawFrom(startLow, startHigh, id), probabilities);
  }

  return {
    choose,
    at(place) {
      if (hasPins) return (key, probabilities) => choose(place + key, probabilities);
      const low = fnv(startLow, lowPrime, place);
      const high = fnv(startHigh, highPrime, place);
      return (key, probabilities) => optionAt(drawFrom(low, high, key), probabilities);
    },
    startAt: (place) => (hasPins ? undefined : fnv(startHigh, highPrime, place)),
    integer: (id, exclusiveMax) => Math.floor(drawFrom(startLow, startHigh, id) * exclusiveMax),
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
function drawFrom(low: number, high: number, text: string): number {
  const upper = mix(fnv(high, highPrime, text));
  return (upper * 2 ** 21 + (mix(fnv(low, lowPrime, text)) >>> 11)) / 2 ** 53;
}

/**
 * The rest of the id of many draws, its characters at hand. It says how many of 2^31 the draw is at least: enough to
 * tell whether it is below a probability that is a multiple of 2^-31.
 */
export class DrawKey {
  #text = "";
  #codes = new Uint16Array(64);

  set text(text: string) {
    if (text === this.#text) return;
    this.#text = text;
    if (text.length > this.#codes.length) this.#codes = new Uint16Array(2 * text.length);
    for (let i = 0; i < text.length; i++) this.#codes[i] = text.charCodeAt(i);
  }

  /** Behind what `startAt` said of the first part of the id. */
  draw(start: number): number {
    const codes = this.#codes;
    const { length } = this.#text;
    let state = start;
    for (let i = 0; i < length; i++) state = Math.imul(state ^ (codes[i] as number), highPrime);
    return mix(state) >>> 1;
  }

  /** The same behind `${number}/`, an integer from 1. */
  drawNumbered(start: number, number: number): number {
    let state = start;
    for (let unit = number < 10 ? 1 : highestUnit(number); unit >= 1; unit = (unit / 10) | 0) {
      state = Math.imul(state ^ (zero + (((number / unit) | 0) % 10)), highPrime);
    }
    return this.draw(Math.imul(state ^ slash, highPrime));
  }
}

const zero = 48;
const slash = 47;

/** The place value of a number's first decimal digit. */
function highestUnit(number: number): number {
  let unit = 1;
  while (unit * 10 <= number) unit *= 10;
  return unit;
}

function mix(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
