import type { Origin } from "../../trace/records.ts";

/** A line and a column, both from 1. */
export interface TextPlace {
  readonly line: number;
  readonly column: number;
}

/** One input text, with its line starts found when somebody first asks for a place. */
export class Source {
  readonly name: string;
  readonly text: string;
  readonly #begin: TextPlace;
  #lineStarts: readonly number[] | undefined;

  /** `begin`: where in the file the text begins. */
  constructor(name: string, text: string, begin: TextPlace = { line: 1, column: 1 }) {
    this.name = name;
    this.text = text;
    this.#begin = begin;
  }

  /** Line and column (both from 1) of an offset into the text. */
  originAt(offset: number): Origin {
    const starts = (this.#lineStarts ??= lineStartsOf(this.text));
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((starts[middle] as number) <= offset) low = middle;
      else high = middle - 1;
    }
    const { line, column } = this.#begin;
    return {
      file: this.name,
      line: line + low,
      column: offset - (starts[low] as number) + (low === 0 ? column : 1),
    };
  }

  /** The column, from 0, of an offset: how far an object is indented. */
  columnAt(offset: number): number {
    return offset - (this.text.lastIndexOf("\n", offset - 1) + 1);
  }
}

function lineStartsOf(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}
