/** One mistake in a text, with its place and what to do about it. Line and column count from 1. */
export interface TextProblem {
  readonly code: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** All mistakes of a text at once. */
export class TextError extends Error {
  readonly problems: readonly TextProblem[];

  constructor(problems: readonly TextProblem[]) {
    super(problems.map((p) => `${p.file}:${p.line}:${p.column}: ${p.code}: ${p.message}`).join("\n"));
    this.name = "TextError";
    this.problems = problems;
  }
}

/** Thrown while one line is read; the reader of the whole text adds file and line. */
export class LineProblem extends Error {
  readonly code: string;
  readonly column: number;

  constructor(code: string, column: number, message: string) {
    super(message);
    this.code = code;
    this.column = column;
  }
}

/** Reads a text line by line with `read`; throws a TextError that holds the problems of all lines. */
export function readLines(text: string, file: string, read: (line: string, number: number) => void): void {
  const problems: TextProblem[] = [];
  let number = 0;
  for (const line of text.split("\n")) {
    number++;
    try {
      read(line.endsWith("\r") ? line.slice(0, -1) : line, number);
    } catch (error) {
      if (!(error instanceof LineProblem)) throw error;
      problems.push({ code: error.code, file, line: number, column: error.column, message: error.message });
    }
  }
  if (problems.length > 0) throw new TextError(problems);
}
