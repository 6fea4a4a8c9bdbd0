import type { Origin } from "../../trace/records.ts";

/** A word of a Corefile. */
export interface Token {
  readonly text: string;
  readonly origin: Origin;
  /** Stood in quotes: then a brace is a plain word. */
  readonly quoted: boolean;
}

/**
 * Splits a Corefile into words: blanks separate, `#` at the start of a word begins a comment, `"` at the start of a
 * word quotes (across lines, `\"` inside). `{$NAME}` and `{%NAME%}` are environment variables, which are empty here.
 * coredns/caddy caddyfile/lexer.go.
 */
export function lex(text: string, file: string): readonly Token[] {
  const tokens: Token[] = [];
  let index = text.startsWith("\uFEFF") ? 1 : 0;
  let line = 1;
  let lineStart = index;
  const step = (): void => {
    if (text[index] === "\n") {
      line++;
      lineStart = index + 1;
    }
    index++;
  };
  while (index < text.length) {
    const first = text[index] as string;
    if (/\s/.test(first)) {
      step();
      continue;
    }
    if (first === "#") {
      while (index < text.length && text[index] !== "\n") index++;
      continue;
    }
    const origin = { file, line, column: index - lineStart + 1 };
    const quoted = first === '"';
    let word = "";
    if (quoted) {
      step();
      while (index < text.length && text[index] !== '"') {
        if (text[index] === "\\" && text[index + 1] === '"') step();
        word += text[index];
        step();
      }
      step();
    } else {
      while (index < text.length && !/\s/.test(text[index] as string)) word += text[index++];
      word = word.replace(/\{\$[^}]*\}|\{%[^}]*%\}/g, "");
      if (word === "") continue;
    }
    tokens.push({ text: word, origin, quoted });
  }
  return tokens;
}
