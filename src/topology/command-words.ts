import { LineProblem } from "../iptables/text-error.ts";
import type { Word } from "../iptables/words.ts";
import { type Address, parseAddress } from "../wire/address.ts";
import { type Mac, parseMac } from "../wire/mac.ts";

/** The words of one command, read from left to right. */
export class CommandWords {
  readonly #words: readonly Word[];
  #at = 0;

  constructor(words: readonly Word[]) {
    this.#words = words;
  }

  get more(): boolean {
    return this.#at < this.#words.length;
  }

  get peek(): string | undefined {
    return this.#words[this.#at]?.text;
  }

  next(what = "a word"): string {
    const word = this.#words[this.#at];
    if (word === undefined) return this.fail(`${what} is missing at the end`);
    this.#at++;
    return word.text;
  }

  /** The next word when it is one of these; full names may be cut short as iproute2 allows it. */
  keyword<K extends string>(names: readonly K[]): K {
    const text = this.next();
    return (
      names.find((name) => name === text) ??
      names.find((name) => name.startsWith(text)) ??
      this.fail(`${text} is not one of ${names.join(", ")}`)
    );
  }

  /** A decimal or 0x number. */
  number(): number {
    const text = this.next("a number");
    return /^(0x[0-9a-f]+|\d+)$/i.test(text) ? Number(text) : this.fail(`${text} is not a number`);
  }

  address(): Address {
    const text = this.next("an address");
    return parseAddress(text) ?? this.fail(`${text} is not an address`);
  }

  mac(): Mac {
    const text = this.next("a MAC address");
    return parseMac(text) ?? this.fail(`${text} is not a MAC address`);
  }

  fail(message: string): never {
    throw new LineProblem("BAD_COMMAND", this.#words[Math.max(0, this.#at - 1)]?.column ?? 1, message);
  }
}
