import { DrawKey } from "../kernel/chance.ts";
import type { DrawState } from "../kernel/chance.ts";
import { oddsOf } from "./rule-rows.ts";

/*
 * Rules that share packets out evenly: the first takes one in n, the next one in n - 1 of the rest, and so on down to
 * one in two, as kube-proxy writes them for endpoints. Which of them takes a packet follows from the number of the
 * rule alone, so no row but that one needs to be looked at. The row of the chain (rule-rows.ts) says where they are.
 *
 *   word   3                4      5, 6
 *          first position   count  the two hashes of the place of the chain's draws
 */
const firstWord = 3;
const countWord = 4;
const stateWord = 5;

/** Fewer are walked one by one. */
const leastCount = 2;

/** Writes into the row of a chain where its rules, whose rows are written, share out evenly, if they do. */
export function writeEvenSplit(words: Int32Array, row: number, length: number, state: DrawState | undefined): void {
  words[row + countWord] = 0;
  if (state === undefined) return;
  for (let at = 0; at < length; at++) {
    const most = Math.round(2 ** 31 / oddsOf(words, row, at));
    if (!Number.isFinite(most)) continue;
    const count = countDown(words, row, at, Math.min(most, length - at + 1));
    if (count < leastCount) continue;
    words[row + firstWord] = at;
    words[row + countWord] = count;
    words[row + stateWord] = state.low;
    words[row + stateWord + 1] = state.high;
    return;
  }
}

/** How many rules from a position on take one in `most`, one in `most - 1`, ... one in two. */
function countDown(words: Int32Array, row: number, from: number, most: number): number {
  for (let share = most; share >= 2; share--) {
    if (oddsOf(words, row, from + most - share) !== oneIn(share)) return 0;
  }
  return most - 1;
}

const odds: number[] = [];

/** 1/n over 2^31, with the ten digits that kube-proxy gives. */
function oneIn(n: number): number {
  return (odds[n] ??= Math.round(Number((1 / n).toFixed(10)) * 2 ** 31));
}

/** How many rules of an even split there are at this position; 0: none begins there. */
export function splitAt(words: Int32Array, row: number, at: number): number {
  return words[row + firstWord] === at ? (words[row + countWord] as number) : 0;
}

/** How many of the split's rules do not take the packet before one does; all of them where none does. */
export function drawSplit(words: Int32Array, row: number, key: DrawKey): number {
  const first = words[row + firstWord] as number;
  const count = words[row + countWord] as number;
  const low = words[row + stateWord] as number;
  const high = words[row + stateWord + 1] as number;
  for (let passed = 0; passed < count; passed++) {
    // Rules count from 1.
    if (key.drawFrom(low, high, first + passed + 1) * 2 ** 31 < oneIn(count + 1 - passed)) return passed;
  }
  return count;
}
