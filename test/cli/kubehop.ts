import { resolve } from "node:path";
import { main } from "../../src/cli/program.ts";

export const root: string = resolve(import.meta.dirname, "../..");

export interface Ran {
  readonly code: number;
  /** Standard output. */
  readonly out: string;
  /** Standard error. */
  readonly notes: string;
}

/** Runs the command line in this process. */
export async function kubehop(...args: readonly string[]): Promise<Ran> {
  return painted(false, ...args);
}

export async function painted(colour: boolean, ...args: readonly string[]): Promise<Ran> {
  let out = "";
  let notes = "";
  const streams = {
    out: (text: string) => void (out += text),
    note: (text: string) => void (notes += `${text}\n`),
    colour,
  };
  const code = await main(args, streams, "1.2.3");
  return { code, out, notes };
}
