import type { Step } from "../trace/records.ts";
import type { Course } from "./moments.ts";

/** The steps that one line of an input file owns. */
export interface OwnedLine {
  readonly line: number;
  /** Indices of moments, in order. */
  readonly moments: readonly number[];
  /** How many rules are among what they looked at. */
  readonly rules: number;
}

/** Which lines of `file` own which steps, by line. */
export function ownedLines({ moments }: Course, file: string): readonly OwnedLine[] {
  const lines = new Map<number, number[]>();
  for (const { index, step } of moments) {
    const origin = step.owner?.origin;
    if (origin?.file !== file) continue;
    const known = lines.get(origin.line);
    if (known) known.push(index);
    else lines.set(origin.line, [index]);
  }
  return [...lines]
    .map(([line, owned]) => ({ line, moments: owned, rules: rulesAmong(owned.map((index) => moments[index]?.step)) }))
    .toSorted((a, b) => a.line - b.line);
}

/** The owning line that `line` belongs to: itself, or the nearest one above it in the same YAML document. */
export function ownerOfLine(owned: readonly OwnedLine[], line: number, text: string): OwnedLine | undefined {
  const found = owned.findLast((one) => one.line <= line);
  if (found === undefined) return undefined;
  const between = text.split("\n").slice(found.line - 1, line);
  return between.some((one) => one.startsWith("---")) ? undefined : found;
}

function rulesAmong(steps: readonly (Step | undefined)[]): number {
  const rules = steps.flatMap((step) =>
    step?.kind === "rule" ? [`${step.namespace} ${step.table} ${step.chain} ${step.rule}`] : [],
  );
  return new Set(rules).size;
}
