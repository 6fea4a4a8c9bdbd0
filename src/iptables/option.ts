import type { Family } from "../wire/address.ts";
import { LineProblem } from "./text-error.ts";
import type { Word } from "./words.ts";

/** A value under construction. */
export type Draft<T> = { -readonly [K in keyof T]?: T[K] };

/** Options of a rule, whichever matches it has. */
const ruleOption =
  /^(-[mjgpsdiof]|--(match|jump|goto|proto(col)?|source|src|destination|dst|(in|out)-interface|fragments?))$/;

/** `--dport=80`: an option and its value in one word (getopt_long). */
function isJoined({ text, quoted }: Word): boolean {
  return !quoted && text.startsWith("--") && /^--[a-z0-9-]+=/.test(text);
}

function partsOf({ text, column }: Word): Word[] {
  const at = text.indexOf("=");
  return [
    { text: text.slice(0, at), column, quoted: false },
    { text: text.slice(at + 1), column: column + at + 1, quoted: false },
  ];
}

/** Reads one option with its values from the words of a rule. */
export class OptionReader {
  readonly family: Family;
  readonly #words: readonly Word[];
  #at = 0;
  #negated = false;
  #askedNegation = false;

  constructor(family: Family, words: readonly Word[]) {
    this.family = family;
    this.#words = words.some(isJoined) ? words.flatMap((word) => (isJoined(word) ? partsOf(word) : [word])) : words;
  }

  /** True when words are left. */
  get more(): boolean {
    return this.#at < this.#words.length;
  }

  /** The option itself, for messages. */
  get option(): string {
    return this.#words[this.#at - 1]?.text ?? "";
  }

  /** Moves to the next option, over a `!` before it; returns its name. */
  next(): string {
    this.#negated = false;
    this.#askedNegation = false;
    if (this.#isBang()) {
      this.#negated = true;
      this.#at++;
    }
    const word = this.#words[this.#at];
    if (word === undefined) return this.fail("MISSING_OPTION", "nothing follows the !: remove it or add an option");
    this.#at++;
    return word.text;
  }

  /** `!` stood before the option, or (old style) before its value. */
  inverted(): boolean {
    this.#askedNegation = true;
    if (!this.#negated && this.#isBang()) {
      this.#negated = true;
      this.#at++;
    }
    return this.#negated;
  }

  /** Ends an option: fails when it was negated and knows no negation. */
  end(option: string): void {
    if (this.#negated && !this.#askedNegation) this.fail("NO_NEGATION", `${option} cannot be negated: remove the !`);
  }

  /** The next value. */
  value(): string {
    const word = this.#words[this.#at];
    if (word === undefined) return this.fail("MISSING_VALUE", `${this.option} needs a value`);
    this.#at++;
    return word.text;
  }

  /** The next word, where it is a value and not another option. */
  optionalValue(): string | undefined {
    const word = this.#words[this.#at];
    if (word === undefined || (!word.quoted && (word.text.startsWith("-") || word.text === "!"))) return undefined;
    this.#at++;
    return word.text;
  }

  /** All words up to the next option of the rule itself, as they were written: quoted ones keep their quotes. */
  rest(): string[] {
    const words: string[] = [];
    for (;;) {
      const word = this.#words[this.#at];
      const option = this.#isBang() ? this.#words[this.#at + 1] : word;
      if (word === undefined || (option !== undefined && !option.quoted && ruleOption.test(option.text))) return words;
      words.push(word.quoted ? `"${word.text.replaceAll(/["\\]/g, "\\$&")}"` : word.text);
      this.#at++;
    }
  }

  /** A decimal or 0x number within the bounds. */
  number(min: number, max: number, text: string = this.value()): number {
    const value = /^(0[xX][0-9a-fA-F]+|\d+)$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    return this.fail("BAD_NUMBER", `${text} is not a number from ${min} to ${max}`);
  }

  /** Raises a problem at the word read last. */
  fail(code: string, message: string): never {
    throw new LineProblem(code, this.#words[Math.max(0, this.#at - 1)]?.column ?? 1, message);
  }

  #isBang(): boolean {
    const word = this.#words[this.#at];
    return word !== undefined && word.text === "!" && !word.quoted;
  }
}

/** How an option fills a draft; it takes its values from the reader. */
export type OptionHandler<T> = (draft: Draft<T>, read: OptionReader) => void;

/** The options of a match or target by name, aliases included. */
export type Options<T> = Readonly<Record<string, OptionHandler<T>>>;
