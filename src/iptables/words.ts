import { LineProblem } from "./text-error.ts";

/** A word of a line and the column it starts in. */
export interface Word {
  readonly text: string;
  readonly column: number;
  /** Stood in quotes: never an option or a `!`. */
  readonly quoted: boolean;
}

/** Splits a line as iptables-restore does: blanks separate, `"` quotes, and `\` escapes inside quotes (not in ipset). */
export function splitWords(line: string, escapes = true): Word[] {
  const words: Word[] = [];
  let at = 0;
  for (;;) {
    while (line[at] === " " || line[at] === "\t") at++;
    if (at >= line.length) return words;
    const start = at;
    let text = "";
    let quoted = false;
    while (at < line.length && line[at] !== " " && line[at] !== "\t") {
      if (line[at] !== '"') {
        text += line[at++];
        continue;
      }
      quoted = true;
      at++;
      while (line[at] !== '"') {
        if (at >= line.length) {
          throw new LineProblem("UNCLOSED_QUOTE", start + 1, 'a " is opened and never closed: close it');
        }
        if (escapes && line[at] === "\\") at++;
        text += line[at++] ?? "";
      }
      at++;
    }
    words.push({ text, column: start + 1, quoted });
  }
}

/** Quotes a word as iptables-save does (xtables_save_string). */
export function quote(text: string): string {
  if (/^[\w-]+$/.test(text)) return text;
  return `"${text.replaceAll(/["\\']/g, "\\$&")}"`;
}
