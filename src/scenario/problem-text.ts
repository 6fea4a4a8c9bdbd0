import { type Problem, problemText } from "../cluster/problem.ts";
import type { ScenarioProblem } from "./parse.ts";

/** A problem of an input or of a scenario file as compilers print it: `web.yaml:12:7: error CODE: message`. */
export function formatProblem(problem: Problem | ScenarioProblem): string {
  if ("severity" in problem) return problemText(problem);
  return `${problem.file}:${problem.line}:${problem.column}: error ${problem.code}: ${problem.message}`;
}
