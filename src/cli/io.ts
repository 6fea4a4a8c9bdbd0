import { styleText } from "node:util";
import type { Tone } from "../trace/text.ts";

/** Where a verb writes: data on stdout, notes on stderr. */
export interface Streams {
  out(text: string): void;
  note(text: string): void;
  /** True when stdout is a terminal that wants colour. */
  readonly colour: boolean;
}

/** What a verb runs in. */
export interface Shell extends Streams {
  /** Ends with this exit code instead of 0. */
  exitWith(code: number): void;
}

export const processStreams: Streams = {
  out: (text) => void process.stdout.write(text),
  note: (text) => void process.stderr.write(`${text}\n`),
  // https://no-color.org and the FORCE_COLOR convention.
  colour: wantsColour(),
};

function wantsColour(): boolean {
  const { NO_COLOR, FORCE_COLOR } = process.env;
  if (NO_COLOR !== undefined && NO_COLOR !== "") return false;
  if (FORCE_COLOR !== undefined && FORCE_COLOR !== "" && FORCE_COLOR !== "0") return true;
  return process.stdout.isTTY === true;
}

const styles = { good: "green", bad: "red", doubt: "magenta", dim: "gray", strong: "bold" } as const;

/** Paints for a terminal, or leaves the text as it is. */
export function painter(colour: boolean): (text: string, tone: Tone) => string {
  // Whether to paint was decided above; styleText would look at the stream again.
  return colour ? (text, tone) => styleText(styles[tone], text, { validateStream: false }) : (text) => text;
}
