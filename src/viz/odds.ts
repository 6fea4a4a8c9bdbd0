import type { Choice } from "../trace/records.ts";
import type { Course } from "./moments.ts";

/** The largest denominator that is written as a fraction. */
const largestDenominator = 64;

/** The probability that all random choices of a trace went as they did; undefined when there was none. */
export function oddsOf({ moments }: Course): number | undefined {
  const choices = new Map<string, Choice>();
  for (const { step } of moments) if (step.choice?.by === "random") choices.set(step.choice.id, step.choice);
  const taken = [...choices.values()].map(({ options, taken: index }) => options[index]?.probability ?? 1);
  return taken.length === 0 ? undefined : taken.reduce((product, one) => product * one, 1);
}

/** `1/3` where a small fraction is meant (the kernel's own differ from it in the tenth digit), else `0.12 %`. */
export function oddsText(probability: number): string {
  for (let denominator = 1; denominator <= largestDenominator; denominator++) {
    const numerator = Math.round(probability * denominator);
    if (numerator > 0 && Math.abs(probability - numerator / denominator) < 1e-7) return `${numerator}/${denominator}`;
  }
  return `${Number((probability * 100).toPrecision(2))} %`;
}
