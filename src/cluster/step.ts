import { Assumptions } from "./assumptions.ts";
import type { Cluster } from "./cluster.ts";
import { type Problem, ProblemList } from "./problem.ts";

/** A part of the controllers' run, with what it was made from and what it had to say. */
export interface Step<Result> {
  readonly inputs: readonly unknown[];
  readonly result: Result;
  readonly problems: readonly Problem[];
  readonly assumptions: Cluster["assumptions"];
}

/** Runs a part, or takes the last run's where all inputs are the same objects: that is what immutability buys. */
export function step<Result>(
  before: Step<Result> | undefined,
  inputs: readonly unknown[],
  lenient: boolean,
  run: (problems: ProblemList, assumptions: Assumptions) => Result,
): Step<Result> {
  const same =
    before !== undefined &&
    before.inputs.length === inputs.length &&
    inputs.every((input, index) => input === before.inputs[index]);
  if (same) return before;
  const problems = new ProblemList(lenient);
  const assumptions = new Assumptions();
  const result = run(problems, assumptions);
  return { inputs, result, problems: problems.sorted(), assumptions: assumptions.list() };
}
