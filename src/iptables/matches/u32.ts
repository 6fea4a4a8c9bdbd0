import { type KnownBytes, type KnownWord, and, isBetween, isKnown, shiftLeft, shiftRight } from "../known-bytes.ts";
import type { OptionReader } from "../option.ts";
import { bytesOf } from "../packet-bytes.ts";
import { type MatchModule, printOption } from "./module.ts";

/** `-m u32 --u32 "0>>22&0x3C@12&0xFFFFFF00=0x100100 && ..."`: words of the packet, masked, shifted and compared. */
export interface U32Match {
  readonly kind: "u32";
  readonly tests: readonly Test[];
  readonly inverted: boolean;
}

interface Test {
  /** The word that is looked at first. */
  readonly at: number;
  /** What is done to it, one after the other; `@` moves to another word. */
  readonly steps: readonly (readonly [operator: "&" | "<<" | ">>" | "@", number: number])[];
  readonly ranges: readonly (readonly [least: number, most: number])[];
}

const most = 0xffffffff;
/** U32 has room for ten tests, ten steps with the first word, and ten ranges (XT_U32_MAXSIZE). */
const room = 10;

function readTests(read: OptionReader): Test[] {
  const text = read.value();
  const tests = text.split("&&").map((test) => readTest(test.replaceAll(/\s+/g, ""), read));
  if (tests.length > room + 1) read.fail("BAD_VALUE", `${text} has more than ${room + 1} tests`);
  return tests;
}

function readTest(text: string, read: OptionReader): Test {
  const [left = "", right] = text.split("=");
  const [at = "", ...words] = left.split(/(&|<<|>>|@)/);
  const steps: [Test["steps"][number][0], number][] = [];
  for (let word = 0; word < words.length; word += 2) {
    const operator = words[word] as Test["steps"][number][0];
    const number = readNumber(words[word + 1] ?? "", read);
    if ((operator === "<<" || operator === ">>") && number > 31) read.fail("BAD_NUMBER", `${text} shifts by too much`);
    steps.push([operator, number]);
  }
  if (right === undefined) read.fail("BAD_VALUE", `${text} is not LOCATION=RANGE`);
  const ranges = (right as string).split(",").map((range): [number, number] => {
    const [least = "", last] = range.split(":");
    const first = range.startsWith(":") ? 0 : readNumber(least, read);
    return [first, last === undefined ? first : last === "" ? most : readNumber(last, read)];
  });
  if (steps.length >= room || ranges.length > room) read.fail("BAD_VALUE", `${text} has more than ${room} parts`);
  return { at: readNumber(at, read), steps, ranges };
}

/** As strtoul() takes it: decimal, 0x, or octal behind a 0. */
function readNumber(text: string, read: OptionReader): number {
  return read.number(0, most, /^0[0-7]+$/.test(text) ? String(Number.parseInt(text, 8)) : text);
}

function print({ tests, inverted }: U32Match): string {
  const hex = (number: number): string => `0x${number.toString(16)}`;
  const text = tests.map(({ at, steps, ranges }) => {
    const location = hex(at) + steps.map(([operator, number]) => operator + hex(number)).join("");
    const values = ranges.map(([least, last]) => (least === last ? hex(least) : `${hex(least)}:${hex(last)}`));
    return `${location}=${values.join(",")}`;
  });
  return printOption(inverted, "--u32", `"${text.join("&&")}"`);
}

/** One test; false also where the packet has no such word. */
function holds({ at, steps, ranges }: Test, bytes: KnownBytes): boolean | undefined {
  let base = 0;
  let word: KnownWord | undefined = bytes.wordAt(at, 4);
  for (const [operator, number] of steps) {
    if (word === undefined) return false;
    if (operator === "&") word = and(word, number);
    else if (operator === "<<") word = shiftLeft(word, number);
    else if (operator === ">>") word = shiftRight(word, number);
    else {
      if (!isKnown(word)) return undefined;
      base += word.value;
      word = bytes.wordAt(base + number, 4);
    }
  }
  if (word === undefined) return false;
  const answers = ranges.map(([least, last]) => isBetween(word, least, last));
  return answers.includes(true) || (answers.includes(undefined) ? undefined : false);
}

/** u32_match_it() of net/netfilter/xt_u32.c: all tests hold. */
function matches({ tests, inverted }: U32Match, bytes: KnownBytes): boolean | undefined {
  let all: boolean | undefined = true;
  for (const test of tests) {
    const one = holds(test, bytes);
    if (one === false) return inverted;
    if (one === undefined) all = undefined;
  }
  return all === undefined ? undefined : !inverted;
}

export const u32: MatchModule<U32Match> = {
  options: {
    "--u32": (draft, read) => void Object.assign(draft, { inverted: read.inverted(), tests: readTests(read) }),
  },
  start: () => ({ kind: "u32" }),
  finish: ({ tests, inverted = false }, read) =>
    tests === undefined ? read.fail("MISSING_OPTION", "-m u32 needs --u32") : { kind: "u32", tests, inverted },
  print,
  matches: (match, { state }) => matches(match, bytesOf(state.skb.packet)),
  explain: (match) => ({ term: print(match), packet: "other bytes" }),
};
