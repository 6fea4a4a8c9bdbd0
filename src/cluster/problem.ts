import type { Origin } from "../trace/records.ts";
import { type CodeMeaning, type ProblemCode, problemCodes } from "./codes.ts";

/** A mistake in an input, or something in it that deserves a look: what is wrong, where, and what to do. */
export interface Problem {
  /** Stable; codes.ts says what it means. */
  readonly code: ProblemCode;
  /** An error makes the whole input unusable; a warning is accepted by the API server too. */
  readonly severity: "error" | "warning";
  readonly message: string;
  readonly fix: string;
  /** Absent for what no file says: a flag, an assumption. */
  readonly origin?: Origin;
  /** `Service shop/web`, where it is about one. */
  readonly object?: string;
  /** Where in the object: `spec.ports[0].name`. */
  readonly path?: string;
}

/** Said of what comes beyond: a generated file with one mistake in every line must not drown the reader. */
const problemLimit = 1000;

/** Gathers the problems of an input, so that all are reported at once. */
export class ProblemList {
  readonly #problems: Problem[] = [];
  readonly #lenient: boolean;
  #dropped = 0;
  #hasDroppedError = false;

  /** `lenient`: what the API server refuses but leaves a usable object is a warning. */
  constructor(lenient = false) {
    this.#lenient = lenient;
  }

  add(code: ProblemCode, message: string, where: Pick<Problem, "origin" | "object" | "path"> = {}, fix?: string): void {
    const meaning: CodeMeaning = problemCodes[code];
    const severity = this.#lenient && meaning.tolerable === true ? "warning" : meaning.severity;
    if (this.#problems.length >= problemLimit) this.#drop(severity);
    else this.#problems.push({ code, severity, message, fix: fix ?? meaning.fix, ...where });
  }

  addAll(problems: readonly Problem[]): void {
    for (const problem of problems) {
      if (this.#problems.length < problemLimit) this.#problems.push(problem);
      else this.#drop(problem.severity);
    }
  }

  #drop(severity: Problem["severity"]): void {
    this.#dropped++;
    if (severity === "error") this.#hasDroppedError = true;
  }

  clear(): void {
    this.#problems.length = 0;
    this.#dropped = 0;
    this.#hasDroppedError = false;
  }

  /** By file and line, as a reader goes through them; what has no place comes first. */
  sorted(): readonly Problem[] {
    const problems = this.#problems.toSorted(
      (a, b) =>
        compareText(a.origin?.file ?? "", b.origin?.file ?? "") ||
        (a.origin?.line ?? 0) - (b.origin?.line ?? 0) ||
        (a.origin?.column ?? 0) - (b.origin?.column ?? 0),
    );
    if (this.#dropped === 0) return problems;
    const { fix } = problemCodes.TOO_MANY_PROBLEMS;
    // However many warnings there are, they are no reason to refuse an input.
    const severity = this.#hasDroppedError ? "error" : "warning";
    return [
      ...problems,
      { code: "TOO_MANY_PROBLEMS", severity, message: `${this.#dropped} more problems are not shown`, fix },
    ];
  }
}

export function hasErrors(problems: readonly Problem[]): boolean {
  return problems.some((problem) => problem.severity === "error");
}

/** `web.yaml:12:7: error SERVICE_PORT_NAME: message. fix`: one line, as compilers print it. */
export function problemText(problem: Problem): string {
  const { origin } = problem;
  const place = origin === undefined ? "" : `${origin.file}:${origin.line}:${origin.column}: `;
  return `${place}${problem.severity} ${problem.code}: ${problem.message}. ${problem.fix}`;
}

/** Byte-wise for ASCII; the same on every machine, unlike localeCompare. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
