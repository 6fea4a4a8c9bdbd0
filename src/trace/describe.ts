import type { Step } from "./records.ts";

/** The plain sentence of a step that brought none: what happened and why, without jargon the step itself can avoid. */
export function describe(step: Step): string {
  return step.kind;
}
