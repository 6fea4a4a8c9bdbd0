import type { DrawKey } from "../kernel/chance.ts";
import { lengthWord, oddsOf, rowWords } from "./rule-rows.ts";

/*
 * Rules that share packets out evenly: the first takes one in n, the next one in n - 1 of the rest, and so on down to
 * one in two, as kube-proxy writes them for endpoints. Which of them takes a packet follows from the number of the
 * rule alone, so no row but that one needs to be looked at. The row of the chain (rule-rows.ts) says where they are.
 *
 *   word   3                4      5
 *          first position   count  what the ids of its draws begin with
 */
const firstWord = 3;
const countWord = 4;
const startWord = 5;

/** Fewer are walked one by one. */
const leastCount = 2;

/** Writes into the row of a chain where its rules, whose rows are written, share out evenly, if they do. */
export function writeEvenSplit(words: Int32Array, row: number, length: number, start: number | undefined): void {
  words[row + countWord] = 0;
  if (start === undefined) return;
  for (let at = 0; at < length; at++) {
    const most = Math.round(2 ** 31 / oddsOf(words, row, at));
    if (!Number.isFinite(most)) continue;
    const count = countDown(words, row, at, Math.min(most, length - at + 1));
    if (count < leastCount) continue;
    words[row + firstWord] = at;
    words[row + countWord] = count;
    words[row + startWord] = start;
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

/** The position of the first rule of an even split; -1: there is none. */
export function splitPosition(words: Int32Array, row: number): number {
  return words[row + countWord] === 0 ? -1 : (words[row + firstWord] as number);
}

/** How many rules take packets by chance: at most one more takes the rest. */
export function splitCount(words: Int32Array, row: number): number {
  return words[row + countWord] as number;
}

/** How many of the split's rules do not take the packet before one does; -1: none does. */
export function drawSplit(words: Int32Array, row: number, key: DrawKey): number {
  const first = words[row + firstWord] as number;
  const count = words[row + countWord] as number;
  const start = words[row + startWord] as number;
  for (let passed = 0; passed < count; passed++) {
    // Rules count from 1.
    if (key.drawNumbered(start, first + passed + 1) < oneIn(count + 1 - passed)) return passed;
  }
  return -1;
}

/** Rows of a chain that kube-proxy made for an endpoint: its own and two rules. */
const targetRows = 3;

/**
 * Where the rows of the chain begin that the split's rule behind `passed` others jumps to, if they lie behind those of
 * this chain, one target after the other, as the memory places them.
 */
export function splitTarget(words: Int32Array, row: number, passed: number): number {
  const at = row + (1 + (words[row + lengthWord] as number) + targetRows * passed) * rowWords;
  return at < words.length ? at : 0;
}
